// SPDX-License-Identifier: Apache-2.0
//
// Random expressions of the right type over a World, most of which find data. One in twenty is broken on
// purpose (damage), so that errors are compared, too.
package main

import (
	"fmt"
	"math/rand"
	"strings"
)

type generator struct {
	r *rand.Rand
	w *World
}

func (g *generator) pick(list ...string) string { return list[g.r.Intn(len(list))] }

// chance is true n times in a hundred.
func (g *generator) chance(n int) bool { return g.r.Intn(100) < n }

// query makes an expression and the times to ask it for.
func (g *generator) query() Query {
	depth := 1 + g.r.Intn(4)
	var expr string
	switch {
	case g.chance(10):
		expr = g.scalar(depth)
	case g.chance(3):
		expr = g.matrix(depth)
	case g.chance(1):
		expr = g.pick(`"text"`, `'it''s'`, "`raw`", `"\u00e9\n"`)
	default:
		expr = g.vector(depth)
	}
	if g.chance(5) {
		expr = g.damage(expr)
	}
	span := g.w.End - g.w.Start
	at := g.w.Start + span/4 + g.r.Int63n(span*3/4+200000)
	switch g.r.Intn(5) {
	case 0:
		at = at / scrapeInterval * scrapeInterval // on the samples
	case 1:
		at = g.w.Start + g.r.Int63n(20)*scrapeInterval + int64(g.r.Intn(3)-1)
	}
	q := Query{Expr: expr, At: at}
	if g.chance(40) {
		q.Start = at - g.r.Int63n(span/2)
		q.Step = []int64{15000, 30000, 60000, 7000, 1, 61234, 300000}[g.r.Intn(7)]
		q.End = q.Start + q.Step*int64(g.r.Intn(25)) + int64(g.r.Intn(2)*500)
		q.At = 0
	}
	return q
}

// --- leaves

var matchers = []string{
	`job="api"`, `job!="api"`, `job=~"a.*"`, `job!~"d.+"`, `instance="a:1"`, `instance!="b:1"`, `instance=~"[ab]:1|x"`, `instance!~"c:1"`,
	`code="200"`, `code=~"[45].."`, `mode=~"user|"`, `le!=""`, `version=""`, `nosuch=""`, `instance=~".+"`, `job=~".*"`, `code!~"2.."`,
}

func (g *generator) selector(shape string) string {
	var names []string
	for _, f := range g.w.families {
		if shape == "" || f.shape == shape {
			names = append(names, f.name)
		}
	}
	name := g.pick(names...)
	if g.chance(2) {
		name = "nosuch"
	}
	if g.chance(3) && shape == "" {
		return g.pick(`{job="api"}`, `{__name__=~".*_total|up",job="db"}`, `{instance="nameless"}`, `{"queue.depth","tier.name"="x"}`, `{__name__!="huge",instance="a:1",job=~"a.+"}`, `{__name__="memory_bytes"}`)
	}
	if g.chance(25) && !strings.HasPrefix(name, "{") {
		ms := g.pick(matchers...)
		if g.chance(25) {
			ms += "," + g.pick(matchers...)
		}
		return name + "{" + ms + "}"
	}
	return name
}

// when are the modifiers of time, each with a blank before it.
func (g *generator) when() string {
	if !g.chance(22) {
		return ""
	}
	offset := " offset " + g.pick("1m", "30s", "-30s", "5m", "2m30s", "(1m + 15s)", "-1m15s", "1ms", "15", "(2 * 45s)", "-(1m)")
	at := " @ " + g.pick("start()", "end()", seconds(g.w.Start+g.r.Int63n(g.w.End-g.w.Start)), seconds(g.w.End), fmt.Sprintf("%.3f", float64(g.w.Start+600500)/1000))
	switch g.r.Intn(5) {
	case 0, 1:
		return offset
	case 2, 3:
		return at
	}
	if g.chance(50) {
		return at + offset
	}
	return offset + at
}

func (g *generator) duration() string {
	if g.chance(8) {
		return g.pick("1m + 30s", "min_of(5m, 2m)", "max_of(1m, 90s)", "60 * 4", "10m / 4", "-(-3m)", "2m - 1ms", "7m % 4m", "2 ^ 7", "step() + 1m", "range() + 2m")
	}
	return g.pick("1m", "2m", "5m", "5m", "30s", "2m30s", "10m", "17s", "15s", "45001ms", "300", "1h", "14999ms", "4m", "3m")
}

func (g *generator) matrix(d int) string {
	return g.matrixOf(d, "")
}

func (g *generator) matrixOf(d int, shape string) string {
	if d > 1 && g.chance(22) {
		return "(" + g.vectorOf(min(d-1, 2), shape) + ")[" + g.pick("1m", "5m", "3m", "2m30s", "10m", "30s + 1m") + ":" +
			g.pick("", "15s", "30s", "1m", "7s", "20s + 1s") + "]" + g.when()
	}
	return g.selector(shape) + "[" + g.duration() + "]" + g.when()
}

func (g *generator) number() string {
	return g.pick("0", "1", "2", "0.5", "-1", "3.7", "1e3", "NaN", "Inf", "-Inf", "100", "5m", "0x1f", "1_000", ".25", "1e-9", "-0", "017", "1m30s")
}

func (g *generator) scalar(d int) string {
	k := g.r.Intn(100)
	switch {
	case d <= 0 || k < 15:
		return g.number()
	case k < 27:
		return "time()"
	case k < 30:
		return "pi()"
	case k < 48:
		if g.chance(60) {
			return "scalar(" + g.pick("sum", "max", "count", "avg") + "(" + g.vector(d-1) + "))"
		}
		return "scalar(" + g.vector(d-1) + ")"
	case k < 52:
		return g.pick("-", "+") + g.scalar(d-1)
	case k < 76:
		return "(" + g.scalar(d-1) + " " + g.pick("+", "-", "*", "/", "%", "^", "atan2") + " " + g.scalar(d-1) + ")"
	}
	return "(" + g.scalar(d-1) + " " + g.pick(comparisons...) + " bool " + g.scalar(d-1) + ")"
}

var comparisons = []string{"==", "!=", ">", "<", ">=", "<="}

// --- functions

var (
	windowFunctions = []string{
		"rate", "increase", "delta", "irate", "idelta", "deriv", "resets", "changes", "avg_over_time", "min_over_time", "max_over_time",
		"sum_over_time", "count_over_time", "stddev_over_time", "stdvar_over_time", "last_over_time", "first_over_time", "present_over_time",
	}
	mathFunctions = []string{
		"abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
		"asinh", "acosh", "atanh", "deg", "rad", "sgn", "round",
	}
	dateFunctions = []string{"day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"}
	aggregators   = []string{"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"}
	nativeOnly    = []string{"histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"}
)

func (g *generator) vector(d int) string { return g.vectorOf(d, "") }

// vectorOf makes an instant vector; with a shape, one whose series differ in those labels and (mostly) no others.
func (g *generator) vectorOf(d int, shape string) string {
	if d <= 0 {
		return g.selector(shape) + g.when()
	}
	switch k := g.r.Intn(100); {
	case k < 9:
		return g.selector(shape) + g.when()
	case k < 30:
		return g.window(d, shape)
	case k < 50:
		return g.function(d, shape)
	case k < 65:
		return g.aggregate(d, shape)
	case k < 83:
		return g.binary(d, shape)
	case k < 86:
		return g.pick("-", "+") + g.vectorOf(d-1, shape)
	case k < 87:
		return "(" + g.vectorOf(d-1, shape) + ")"
	case k < 90:
		return g.labelFunction(d, shape)
	case k < 95:
		return g.histogram(d)
	case k < 97:
		return "vector(" + g.scalar(d-1) + ")"
	}
	return g.absence(d)
}

func (g *generator) window(d int, shape string) string {
	m := g.matrixOf(d, shape)
	switch g.r.Intn(20) {
	case 0:
		return "quantile_over_time(" + g.quantile(d) + ", " + m + ")"
	case 1:
		return "predict_linear(" + m + ", " + g.scalar(d-1) + ")"
	}
	return g.pick(windowFunctions...) + "(" + m + ")"
}

func (g *generator) quantile(d int) string {
	if g.chance(80) {
		return g.pick("0.5", "0.9", "0", "1", "0.99", "0.25", "-1", "2", "NaN")
	}
	return g.scalar(d - 1)
}

func (g *generator) function(d int, shape string) string {
	v := g.vectorOf(d-1, shape)
	switch k := g.r.Intn(100); {
	case k < 56:
		return g.pick(mathFunctions...) + "(" + v + ")"
	case k < 60:
		return "round(" + v + ", " + g.scalar(d-1) + ")"
	case k < 64:
		return "clamp(" + v + ", " + g.scalar(d-1) + ", " + g.scalar(d-1) + ")"
	case k < 68:
		return "clamp_min(" + v + ", " + g.scalar(d-1) + ")"
	case k < 72:
		return "clamp_max(" + v + ", " + g.scalar(d-1) + ")"
	case k < 78:
		return "timestamp(" + v + ")"
	case k < 82:
		return "sort(" + v + ")"
	case k < 86:
		return "sort_desc(" + v + ")"
	case k < 87:
		return g.pick(dateFunctions...) + "()"
	}
	return g.pick(dateFunctions...) + "(" + v + ")"
}

func (g *generator) labelFunction(d int, shape string) string {
	v := g.vectorOf(d-1, shape)
	if g.chance(40) {
		return `label_join(` + v + `, ` + g.pick(`"both"`, `"job"`, `"a b"`) + `, ` + g.pick(`"-"`, `""`) + g.pick("", `, "job"`, `, "job", "instance"`, `, "nosuch", "code"`) + `)`
	}
	return `label_replace(` + v + `, ` + g.pick(`"x"`, `"instance"`, `"job"`, `"__name__"`, `""`, `"ü"`) + `, ` + g.pick(`"$1"`, `"v-$1"`, `""`, `"${1}x"`, `"$0"`, `"$$"`) +
		`, ` + g.pick(`"instance"`, `"job"`, `"nosuch"`, `"__name__"`) + `, ` + g.pick(`"(.*):1"`, `"(.*)"`, `"a.*"`, `"(?P<n>.)(.*)"`, `"("`) + `)`
}

func (g *generator) histogram(d int) string {
	buckets := "latency_seconds_bucket"
	if g.chance(25) {
		buckets += "{" + g.pick(matchers...) + "}"
	}
	v := buckets + g.when()
	if g.chance(70) {
		v = g.pick("rate", "increase", "delta", "last_over_time") + "(" + buckets + "[" + g.duration() + "]" + g.when() + ")"
	}
	if g.chance(40) {
		v = g.pick("sum", "avg", "max") + " by (" + g.pick("le", "le, job", "le, instance, job") + ") (" + v + ")"
	}
	switch k := g.r.Intn(100); {
	case k < 50:
		return "histogram_quantile(" + g.quantile(d) + ", " + v + ")"
	case k < 70:
		return "histogram_fraction(" + g.pick("0", "-Inf", "0.2", "1", "-1") + ", " + g.pick("1", "+Inf", "0.7", "5", "0.1") + ", " + v + ")"
	}
	return g.pick(nativeOnly...) + "(" + v + ")"
}

func (g *generator) absence(d int) string {
	if g.chance(50) {
		return "absent(" + g.pick(g.vector(d-1), `nosuch{job="x",a!="b"}`, `nosuch{a!="b",a="c"}`, `up{job="nosuch",instance=~"x"}`, `sum(nosuch{job="x"})`) + ")"
	}
	return "absent_over_time(" + g.pick(g.matrix(d), `nosuch{job="x",job="y"}[5m]`, `nosuch{a="b"}[1m:]`) + ")"
}

func (g *generator) aggregate(d int, shape string) string {
	grouping := ""
	switch shape {
	case "instance":
		grouping = g.pick("by (job, instance)", "by (instance, job)", "without (code, mode, le, version)")
	case "job":
		grouping = g.pick("by (job)", "by (job,)", "without (instance, code, mode, le, version)")
	default:
		grouping = g.pick("", "", "by (job)", "by (instance)", "by ()", "without ()", "without (instance)", "by (job, nosuch)", "by (__name__)", "without (job, code)", "by (le)", "by (code)")
	}
	v := "(" + g.vector(d-1) + ")"
	name := g.pick(aggregators...)
	switch k := g.r.Intn(100); {
	case k < 8:
		name, v = g.pick("topk", "bottomk"), "("+g.pick("1", "2", "3", "0", "5", "-1", g.scalar(d-1))+", "+g.vector(d-1)+")"
	case k < 14:
		name, v = "quantile", "("+g.quantile(d)+", "+g.vector(d-1)+")"
	case k < 18:
		name, v = "count_values", `(`+g.pick(`"value"`, `"job"`, `"v v"`)+`, `+g.pick("whole", "up", g.vector(d-1))+")"
	}
	if grouping == "" {
		return name + v
	}
	if g.chance(50) {
		return name + " " + grouping + " " + v
	}
	return name + v + " " + grouping
}

// --- binary operators

func (g *generator) operator() string {
	if g.chance(35) {
		return g.pick(comparisons...) + g.pick("", " bool")
	}
	if g.chance(12) {
		return g.pick("^", "atan2")
	}
	return g.pick("+", "-", "*", "/", "%")
}

func (g *generator) binary(d int, shape string) string {
	left, right, op := "", "", g.operator()
	switch k := g.r.Intn(100); {
	case k < 22:
		left, right = g.vectorOf(d-1, shape), g.scalar(d-1)
		if g.chance(30) {
			left, right = right, left
		}
	case k < 45: // one to one
		s := shape
		if s == "" {
			s = g.pick("instance", "job")
		}
		left, right = g.vectorOf(d-1, s), g.vectorOf(d-1, s)
		if s == "instance" {
			op += g.pick("", "", " on (job, instance)", " ignoring (code)", " ignoring (nosuch, mode)", " on (instance, job)")
		} else {
			op += g.pick(" on (job)", " ignoring (version)", "")
		}
	case k < 63: // many to one
		left, right = g.vectorOf(d-1, g.pick("instance", "more")), g.vectorOf(d-1, "job")
		op += g.pick(" on (job)", " on (job)", " ignoring (instance, code, mode, le, version)")
		include := g.pick("", "", "()", " (version)", " (version, nosuch)")
		if g.chance(50) {
			op += " group_left" + include
		} else {
			left, right = right, left
			op += " group_right" + include
		}
	case k < 85: // sets
		op = g.pick("and", "or", "unless")
		left, right = g.vectorOf(d-1, shape), g.vectorOf(d-1, shape)
		op += g.pick("", " on (job)", " on (instance, job)", " ignoring (code)", " on ()", " ignoring (__name__, le)")
	default:
		left, right = g.vector(d-1), g.vector(d-1)
		op += g.pick("", " on (job)", " on (instance)", " ignoring (job)", " on (job) group_left", " on (instance) group_right")
	}
	if strings.HasSuffix(op, "group_left") || strings.HasSuffix(op, "group_right") {
		op += " "
	}
	if g.chance(30) {
		return left + " " + op + " " + right
	}
	return "(" + left + " " + op + " " + right + ")"
}

// --- damage

// damage breaks an expression somewhere.
func (g *generator) damage(expr string) string {
	cut := func(s string) int { return g.r.Intn(len(s)) }
	switch g.r.Intn(6) {
	case 0:
		i := cut(expr)
		return expr[:i] + expr[min(len(expr), i+1+g.r.Intn(4)):]
	case 1:
		i := cut(expr)
		return expr[:i] + g.pick("(", ")", "[5m]", " offset 1m", " by (job)", ",", "{", "}", "@", " bool ", "\"", "=", "!", "1", " on (x)", "#", "é", "5x", "..", "[", ":", "group_left", "[1m:]", " @ 1", "\x80") + expr[i:]
	case 2:
		return g.pick("rate(", "sum(", "nosuch(", "vector(", "topk(", "abs(1, ", "time(", "label_replace(", "sort_by_label(", "info(", "limitk(1, ", "-", "(", "scalar(", "absent_over_time(") + expr + ")"
	case 3:
		return expr[:cut(expr)]
	case 4:
		return expr + g.pick(" and 1", " == 1", " offset 5m", "[5m]", "[5m:1m]", " + ", " @ 100", " or vector(1)", " anchored", " smoothed", " + fill(1) up", " unless bool up", "[0s]", " offset 1m offset 1m", " @ nan", " / on (job) group_left (job) up")
	}
	i, j := cut(expr), cut(expr)
	if i > j {
		i, j = j, i
	}
	return expr[:i] + expr[j:] + expr[i:j]
}
