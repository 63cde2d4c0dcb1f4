// SPDX-License-Identifier: Apache-2.0
//
// What an expression is made of: for counting what the generator reaches, for shrinking, and for
// knowing whether a value went through the C library's transcendental functions.
package main

import (
	"sort"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

var stableParser = parser.NewParser(serverSettings().parserOptions())

// Two libraries may round these differently in the last place.
var libmConstructs = map[string]bool{}

func init() {
	for _, f := range []string{"exp", "ln", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"} {
		libmConstructs[f+"()"] = true
	}
	for _, op := range []string{"scalar ^", "vector ^", "scalar atan2", "vector atan2"} {
		libmConstructs[op] = true
	}
}

// constructsOf names the elements of the language that the node itself is.
func constructsOf(node parser.Node) (out []string) {
	add := func(s string) { out = append(out, s) }
	switch n := node.(type) {
	case *parser.Call:
		add(n.Func.Name + "()")
	case *parser.AggregateExpr:
		add(n.Op.String())
		if n.Without {
			add("without")
		} else if len(n.Grouping) > 0 {
			add("by")
		}
	case *parser.BinaryExpr:
		kind := "scalar "
		if n.LHS.Type() == parser.ValueTypeVector || n.RHS.Type() == parser.ValueTypeVector {
			kind = "vector "
		}
		add(kind + n.Op.String())
		if n.ReturnBool {
			add(kind + n.Op.String() + " bool")
		}
		if m := n.VectorMatching; m != nil {
			if m.On {
				add("on")
			} else if len(m.MatchingLabels) > 0 {
				add("ignoring")
			}
			switch m.Card {
			case parser.CardManyToOne:
				add("group_left")
			case parser.CardOneToMany:
				add("group_right")
			}
			if len(m.Include) > 0 {
				add("group_x with labels")
			}
		}
	case *parser.UnaryExpr:
		add("unary " + n.Op.String())
	case *parser.SubqueryExpr:
		add("subquery")
		if n.OriginalOffset != 0 || n.OriginalOffsetExpr != nil {
			add("subquery offset")
		}
		if n.Timestamp != nil || n.StartOrEnd != 0 {
			add("subquery @")
		}
		if n.RangeExpr != nil || n.StepExpr != nil {
			add("duration expression")
		}
	case *parser.MatrixSelector:
		add("range selector")
		if n.RangeExpr != nil {
			add("duration expression")
		}
	case *parser.VectorSelector:
		for _, m := range n.LabelMatchers {
			if m.Name != labels.MetricName || m.Type != labels.MatchEqual {
				add("matcher " + m.Type.String())
			}
		}
		switch {
		case n.OriginalOffsetExpr != nil:
			add("offset expression")
		case n.OriginalOffset > 0:
			add("offset")
		case n.OriginalOffset < 0:
			add("offset negative")
		}
		switch {
		case n.StartOrEnd == parser.START:
			add("@ start()")
		case n.StartOrEnd == parser.END:
			add("@ end()")
		case n.Timestamp != nil:
			add("@")
		}
	case *parser.NumberLiteral:
		add("number")
		if n.Duration {
			add("duration as number")
		}
	}
	return out
}

// constructs returns the distinct elements of an expression; nil when it does not parse.
func constructs(expr string) map[string]bool {
	e, err := stableParser.ParseExpr(expr)
	if err != nil {
		return nil
	}
	set := map[string]bool{}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		for _, c := range constructsOf(n) {
			set[c] = true
		}
		return nil
	})
	return set
}

// atInParameter says whether the parameter of an aggregation has an @ in it. Prometheus resolves start()
// and end() everywhere but there, and lets a fixed time follow the steps of a range query there.
func atInParameter(expr string) bool {
	e, err := stableParser.ParseExpr(expr)
	if err != nil {
		return false
	}
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		a, ok := n.(*parser.AggregateExpr)
		if !ok || a.Param == nil {
			return nil
		}
		parser.Inspect(a.Param, func(n parser.Node, _ []parser.Node) error {
			switch x := n.(type) {
			case *parser.VectorSelector:
				found = found || x.Timestamp != nil || x.StartOrEnd != 0
			case *parser.SubqueryExpr:
				found = found || x.Timestamp != nil || x.StartOrEnd != 0
			}
			return nil
		})
		return nil
	})
	return found
}

// wantedConstructs are those that every run of sufficient size must reach.
func wantedConstructs() []string {
	out := []string{
		"without", "by", "on", "ignoring", "group_left", "group_right", "group_x with labels", "unary -", "unary +", "subquery", "subquery offset", "subquery @",
		"duration expression", "range selector", "offset", "offset negative", "offset expression", "@", "@ start()", "@ end()", "number", "duration as number",
		"matcher =", "matcher !=", "matcher =~", "matcher !~", "vector and", "vector or", "vector unless",
		"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values",
	}
	for _, op := range []string{"+", "-", "*", "/", "%", "^", "atan2"} {
		out = append(out, "vector "+op, "scalar "+op)
	}
	for _, op := range comparisons {
		out = append(out, "vector "+op, "vector "+op+" bool", "scalar "+op+" bool")
	}
	for name, f := range parser.Functions {
		if !f.Experimental {
			out = append(out, name+"()")
		}
	}
	sort.Strings(out)
	return out
}

// subExpressions lists the proper sub-expressions that can be asked for on their own, shortest first.
func subExpressions(expr string) []string {
	e, err := stableParser.ParseExpr(expr)
	if err != nil {
		return nil
	}
	seen := map[string]bool{expr: true}
	var out []string
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		x, ok := n.(parser.Expr)
		if !ok || len(path) == 0 || x.Type() == parser.ValueTypeString {
			return nil
		}
		p := x.PositionRange()
		if int(p.Start) >= int(p.End) || int(p.End) > len(expr) {
			return nil
		}
		// The source text, because Prometheus does not read everything back that it prints.
		if s := expr[p.Start:p.End]; !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
		return nil
	})
	sort.SliceStable(out, func(i, j int) bool { return len(out[i]) < len(out[j]) })
	return out
}
