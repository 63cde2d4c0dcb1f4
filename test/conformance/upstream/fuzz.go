// SPDX-License-Identifier: Apache-2.0
//
// Random expressions over random data through both engines. Every fourth world reaches the tested
// program bit by bit, as scrapes do, with queries in between, and mostly in chunks of very few samples;
// the others are loaded at once.
package main

import (
	"fmt"
	"math/rand"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

const (
	expressionsPerWorld = 500
	liveSlices          = 160 // batches in which a live world arrives
	livePhases          = 5   // between which its expressions are asked
	slowQuery           = 5 * time.Second
	libmTolerance       = 1e-12
	libmLoose           = 1e-6 // Go's power function multiplies, and loses digits with every factor
	smallestNormal      = 0x1p-1022
	libmAbsolute        = 1e-15 // of logarithms near zero and acos(), which Go gets by a subtraction
)

// Fuzz is one run; its counters judge the generator, too.
type Fuzz struct {
	o          Options
	product    *Product
	engine     *promql.Engine
	settings   Settings
	firstOnly  bool // stop at the first difference
	asked      int
	live       int // of them, over a world that arrived bit by bit
	tiny       int // of these, over tiny chunks
	differ     int
	nonEmpty   int
	failing    int // both sides refuse
	wavering   map[string]int
	beyondAt   int // annotations of a fixed subquery that Prometheus evaluates beyond its @
	slow       int // queries that one side did not finish in time
	atInParam  int // differences with @ in an aggregation's parameter, which Prometheus half ignores
	zeroSigns  int // differences in the sign of a zero below a quantile
	subnormal  int // differences above a logarithm of a subnormal number, which Go gets wrong on amd64
	libm       int // differences that begin in a transcendental function and are within the tolerance there
	withLibm   int
	constructs map[string]int
	finds      map[string][]string // by what differs at the root
}

func newFuzz(o Options, binary string) (*Fuzz, error) {
	s := serverSettings()
	s.Timeout = slowQuery
	if err := s.enable(o.Features); err != nil {
		return nil, err
	}
	p, err := newProduct(binary, s)
	return &Fuzz{o: o, product: p, engine: s.engine(), settings: s, wavering: map[string]int{}, constructs: map[string]int{}, finds: map[string][]string{}}, err
}

func runFuzz(o Options) *Result {
	if o.Random == 0 {
		r := newResult("random")
		r.skip("--random 0")
		return r
	}
	f, err := newFuzz(o, o.Plimsoll)
	if err != nil {
		return broken("random", err)
	}
	defer f.product.close()
	start := time.Now()
	for world := o.World; f.asked < o.Random && (o.For == 0 || time.Since(start) < o.For); world++ {
		f.world(o.Seed*1000000, world, min(expressionsPerWorld, o.Random-f.asked))
		if world%200 == 199 {
			o.say("%d expressions, %d differ (%.0f/s)\n", f.asked, f.differ, float64(f.asked)/time.Since(start).Seconds())
		}
	}
	r := newResult("random")
	r.passed = f.asked - f.differ
	for _, kind := range sortedKeys(f.finds) {
		list := f.finds[kind]
		sort.Slice(list, func(i, j int) bool { return len(list[i]) < len(list[j]) })
		for _, s := range list {
			r.fail("%s", s)
		}
	}
	f.report(r)
	r.summary = fmt.Sprintf("%d expressions, seed %d, %d differences", f.asked, o.Seed, f.differ)
	return r
}

// report says how good the generator was; a construct that a large run hardly reaches fails it.
func (f *Fuzz) report(r *Result) {
	total := 0
	for _, n := range f.wavering {
		total += n
	}
	f.o.say("over data loaded at once %d, over data appended in %d batches %d (in chunks of one to three samples %d)\n",
		f.asked-f.live, liveSlices, f.live, f.tiny)
	f.o.say("non-empty answers %.1f %%, errors on both sides %.1f %%; through libm %.1f %%\n",
		100*float64(f.nonEmpty)/float64(f.asked), 100*float64(f.failing)/float64(f.asked), 100*float64(f.withLibm)/float64(f.asked))
	f.o.say("not compared because Prometheus disagrees with itself: %d %v; rounding of libm carried on: %d; the sign of a zero in a quantile: %d; @ in a parameter: %d; notes from beyond a fixed subquery: %d; logarithms of subnormal numbers: %d; too slow: %d\n", total, f.wavering, f.libm, f.zeroSigns, f.atInParam, f.beyondAt, f.subnormal, f.slow)
	type count struct {
		name string
		n    int
	}
	var counts []count
	for _, c := range wantedConstructs() {
		counts = append(counts, count{c, f.constructs[c]})
	}
	sort.SliceStable(counts, func(i, j int) bool { return counts[i].n < counts[j].n })
	var rare []string
	for _, c := range counts[:12] {
		rare = append(rare, fmt.Sprintf("%s %d", c.name, c.n))
	}
	f.o.say("%d constructs counted; the rarest: %s\n", len(counts), strings.Join(rare, ", "))
	if f.asked >= 200000 {
		if f.nonEmpty*10 < f.asked*6 {
			r.fail("the generator: fewer than 60 %% of the answers hold anything")
		}
		for _, c := range counts {
			if c.n < 1000 {
				r.fail("the generator: %s was reached %d times only", c.name, c.n)
			}
		}
	}
}

// world asks n expressions over one set of data.
func (f *Fuzz) world(base, number int64, n int) {
	seed := base + number
	w := newWorld(seed)
	g := &generator{rand.New(rand.NewSource(seed ^ 0x5deece66d)), w}
	f.product.settings.ChunkSamples = 0
	if number%4 != 3 {
		f.batch(g, newMemory(w.Series), f.product.hold(w.Series), n, seed)
		return
	}
	f.live += n
	if f.product.settings.ChunkSamples = int(number / 4 % 4); f.product.settings.ChunkSamples > 0 {
		f.tiny += n
	}
	memory := newMemory(nil)
	err := f.product.hold(nil)
	pieces := w.slices(liveSlices)
	for phase := range livePhases {
		for _, s := range pieces[len(pieces)*phase/livePhases : len(pieces)*(phase+1)/livePhases] {
			memory.add(s)
			if err == nil {
				err = f.product.feed(s)
			}
		}
		f.batch(g, memory, err, n*(phase+1)/livePhases-n*phase/livePhases, seed)
	}
}

func (f *Fuzz) batch(g *generator, memory *Memory, err error, n int, seed int64) {
	if err != nil {
		f.found("start", fmt.Sprintf("world %d: %v", seed, err))
		f.asked += n
		return
	}
	queries := make([]Query, n)
	for i := range queries {
		queries[i] = g.query()
	}
	want := make([]Answer, n)
	got := f.product.askAll(queries, func() {
		for i, q := range queries {
			begun := time.Now()
			want[i] = reference(f.engine, memory, q)
			if took := time.Since(begun); took > slowQuery/5 {
				f.o.say("the reference took %.1f s in world %d: %s\n", took.Seconds(), seed, q)
			}
		}
	})
	for i, q := range queries {
		f.judge(memory, q, want[i], got[i], seed)
		if f.firstOnly && f.differ > 0 {
			return
		}
	}
}

func (f *Fuzz) rules(expr string, has map[string]bool) Rules {
	r := Rules{Notes: true, ErrorText: true}
	for c := range has {
		if libmConstructs[c] {
			r.Tolerance = libmTolerance
			if c == "log2()" || c == "log10()" || c == "acos()" {
				r.Absolute = libmAbsolute
			}
		}
	}
	for _, ordered := range []string{"sort(", "sort_desc(", "topk", "bottomk"} {
		r.Order = r.Order || strings.HasPrefix(expr, ordered)
	}
	return r
}

func (f *Fuzz) judge(memory *Memory, q Query, want, got Answer, seed int64) {
	f.asked++
	has := constructs(q.Expr)
	for c := range has {
		f.constructs[c]++
	}
	rules := f.rules(q.Expr, has)
	if rules.Tolerance > 0 {
		f.withLibm++
	}
	if want.failed() {
		f.failing++
	} else if !want.empty() {
		f.nonEmpty++
	}
	d := compare(want, got, rules)
	if want.ErrorType == "timeout" || got.ErrorType == "timeout" {
		f.slow++
		return
	}
	if !d.found() {
		return
	}
	if f.wavers(memory, q, want, rules) {
		f.wavering[d.Kind]++
		return
	}
	if d.Kind == "annotations" && q.isRange() && has["subquery @"] {
		f.beyondAt++
		return
	}
	if atInParameter(q.Expr) {
		f.atInParam++
		return
	}
	if (has["quantile"] || has["quantile_over_time()"]) && f.zeroSign(memory, q) {
		f.zeroSigns++
		return
	}
	if rules.Tolerance > 0 && d.Kind != "verdict" && f.carriesLibm(memory, q) {
		f.libm++
		return
	}
	if (has["ln()"] || has["log10()"]) && f.logOfSubnormal(memory, q) {
		f.subnormal++
		return
	}
	small, d := f.shrink(memory, q, d)
	root := small.Expr
	if i := strings.IndexAny(root, "({[ "); i > 0 {
		root = root[:i]
	}
	f.found(d.Kind+" "+root, fmt.Sprintf("%s\n    %s: %s\n    world %d; found as %s", small, d.Kind, d.Detail, seed, q))
}

func (f *Fuzz) found(kind, text string) {
	f.differ++
	if len(f.finds[kind]) < 5 {
		f.finds[kind] = append(f.finds[kind], text)
	}
}

// wavers says whether the reference itself answers differently when series come in another order, or just again.
// Go's maps and sums often come out in one order and rarely in another, hence the many tries.
func (f *Fuzz) wavers(memory *Memory, q Query, want Answer, rules Rules) bool {
	const tries = 400
	defer func() { memory.Order = nil }()
	begun := time.Now()
	for i := 0; i < tries && time.Since(begun) < slowQuery; i++ {
		r := rand.New(rand.NewSource(int64(i)))
		switch {
		case i == 0:
			memory.Order = slices.Reverse[[]storage.Series]
		case i == 1:
			memory.Order = nil
		default:
			memory.Order = func(s []storage.Series) { r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] }) }
		}
		if compare(want, reference(f.engine, memory, q), rules).found() {
			return true
		}
	}
	return false
}

// zeroSign says whether a quantile in the expression differs in nothing but the sign of a zero: the
// order of zeros among its values is that of Go's unstable sort.
func (f *Fuzz) zeroSign(memory *Memory, q Query) bool {
	found := false
	f.eachCall(memory, q, func(e parser.Expr) bool {
		c := constructsOf(e)
		return len(c) > 0 && (c[0] == "quantile" || c[0] == "quantile_over_time()")
	}, func(want, got Answer) {
		exact, loose := compare(want, got, Rules{}), compare(want, got, Rules{Tolerance: 1e-300})
		found = found || exact.found() && !loose.found()
	})
	return found
}

// logOfSubnormal says whether a logarithm in the expression is asked for a subnormal number: Go's code for
// amd64 takes its exponent for that of the smallest normal one.
func (f *Fuzz) logOfSubnormal(memory *Memory, q Query) bool {
	arguments := map[string]bool{}
	e, err := stableParser.ParseExpr(q.Expr)
	if err != nil {
		return false
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if call, ok := n.(*parser.Call); ok && (call.Func.Name == "ln" || call.Func.Name == "log10") {
			arguments[unwrapped(call.Args[0]).String()] = true
		}
		return nil
	})
	found := false
	f.eachCall(memory, q, func(e parser.Expr) bool { return arguments[e.String()] }, func(want, _ Answer) {
		for _, row := range want.Rows {
			for _, v := range row.V {
				found = found || v > 0 && v < smallestNormal
			}
		}
	})
	return found
}

// carriesLibm says whether a transcendental function in the expression gives values that differ in the
// last bits only: what is built on them (a comparison, a difference, floor) may then differ in anything.
func (f *Fuzz) carriesLibm(memory *Memory, q Query) bool {
	found := false
	f.eachCall(memory, q, func(e parser.Expr) bool {
		for _, c := range constructsOf(e) {
			if libmConstructs[c] {
				return true
			}
		}
		return false
	}, func(want, got Answer) {
		loose := compare(want, got, Rules{Tolerance: libmLoose, Absolute: libmAbsolute})
		found = found || !loose.found() && compare(want, got, Rules{}).found()
	})
	return found
}

// eachCall asks both engines for every sub-expression that is chosen, at the times of the query and at
// those that a subquery around it may have asked for.
func (f *Fuzz) eachCall(memory *Memory, q Query, choose func(parser.Expr) bool, see func(want, got Answer)) {
	lo, hi := q.At, q.At
	if q.isRange() {
		lo, hi = q.Start, q.End
	}
	const before = 1500000 // further than any range of the generator but the hour
	step := int64(15000)
	if q.isRange() && q.Step < 60000 {
		step = q.Step
	}
	step = max(step, (hi-lo+before)/2000)
	for _, sub := range append(subExpressions(q.Expr), q.Expr) {
		e, err := stableParser.ParseExpr(sub)
		if err != nil || !choose(unwrapped(e)) {
			continue
		}
		for _, x := range []Query{{Expr: sub, At: q.At, Start: q.Start, End: q.End, Step: q.Step}, {Expr: sub, Start: lo - before, End: hi, Step: step}, {Expr: sub, Start: (lo - before) / 1000 * 1000, End: hi, Step: 1000}} {
			if x.isRange() && (x.End-x.Start)/x.Step > 10000 {
				continue
			}
			see(reference(f.engine, memory, x), f.product.ask(x))
		}
	}
}
