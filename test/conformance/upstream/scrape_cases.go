// SPDX-License-Identifier: Apache-2.0
//
// The cases of scrape.go: the table of relabelling, and every page that the text parsers are tried on.
package main

import (
	"errors"
	"fmt"
	"go/ast"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/model/textparse"
)

func runRelabel(o Options) *Result {
	r := newResult("relabel")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return broken("relabel", err)
	}
	defer listener.Close()
	f, err := sourceOf(o, "model/relabel/relabel_test.go")
	if err != nil {
		return broken("relabel", err)
	}
	var targets []target
	ast.Inspect(f, func(x ast.Node) bool {
		fn, ok := x.(*ast.FuncDecl)
		if ok && fn.Name.Name != "TestRelabel" {
			return false
		}
		row := map[string]ast.Expr(nil)
		if e, ok := x.(ast.Expr); ok {
			row = fieldsOf(e)
		}
		if row["input"] == nil || row["relabel"] == nil {
			return true
		}
		name := fmt.Sprintf("relabel-%d", len(targets))
		t, err := relabelTarget(name, listener.Addr().String(), stringMapOf(row["input"]), row["relabel"].(*ast.CompositeLit).Elts)
		if err != nil {
			r.fail("%s: %v", name, err)
			return false
		}
		t.value = float64(1000 + len(targets))
		t.page = strings.ReplaceAll(t.page, "VALUE", strconv.Itoa(1000+len(targets)))
		for i := range t.expected {
			t.expected[i].V = []float64{t.value}
		}
		targets = append(targets, t)
		return false
	})
	judgeTargets(o, r, listener, targets)
	r.summary = fmt.Sprintf("%d rows of the relabelling table as metric_relabel_configs of live targets", len(targets))
	return r
}

func relabelTarget(name, instance string, input map[string]string, rules []ast.Expr) (target, error) {
	t := target{name: name, contentType: "text/plain; version=1.0.0"}
	if input[labels.MetricName] == "" {
		input[labels.MetricName] = "m"
	}
	var cfgs []*relabel.Config
	for _, e := range rules {
		rule, cfg, err := relabelRule(fieldsOf(e))
		if err != nil {
			return t, err
		}
		t.relabel, cfgs = append(t.relabel, rule), append(cfgs, cfg)
	}
	in := labels.FromMap(input)
	var pairs []string
	in.Range(func(l labels.Label) {
		if l.Name == labels.MetricName {
			pairs = append([]string{strconv.Quote(l.Value)}, pairs...)
		} else {
			pairs = append(pairs, strconv.Quote(l.Name)+"="+strconv.Quote(l.Value))
		}
	})
	t.page = "{" + strings.Join(pairs, ",") + "} VALUE\n"
	b := labels.NewBuilder(in)
	targetLabels(name, instance).Range(func(l labels.Label) {
		if in.Get(l.Name) == "" {
			b.Set(l.Name, l.Value)
		}
	})
	if !relabel.ProcessBuilder(b, cfgs...) || b.Labels().IsEmpty() {
		return t, nil
	}
	if b.Get(labels.MetricName) == "" {
		t.fails = "no metric name"
		return t, nil
	}
	t.expected = []Row{{Labels: b.Labels(), T: []int64{0}}}
	return t, nil
}

// relabelRule reads one relabel.Config literal: the fields that are set, as they would stand in YAML, and
// the same with defaults filled in.
func relabelRule(fields map[string]ast.Expr) (map[string]any, *relabel.Config, error) {
	y, c := map[string]any{}, relabel.DefaultRelabelConfig
	c.NameValidationScheme = model.UTF8Validation
	for k, v := range fields {
		switch k {
		case "SourceLabels":
			var names []string
			for _, e := range v.(*ast.CompositeLit).Elts {
				s, ok := constantString(e)
				if !ok {
					return nil, nil, errors.New("a source label is not constant")
				}
				names = append(names, s)
				c.SourceLabels = append(c.SourceLabels, model.LabelName(s))
			}
			y["source_labels"] = names
		case "Regex":
			if s, ok := constantString(v); ok {
				y["regex"], c.Regex = s, relabel.MustNewRegexp(s)
			}
		case "Separator":
			if s, _ := constantString(v); s != "" {
				y["separator"], c.Separator = s, s
			}
		case "Replacement":
			if s, ok := constantString(v); ok && s != "" {
				y["replacement"], c.Replacement = s, s
			}
		case "TargetLabel":
			s, _ := constantString(v)
			y["target_label"], c.TargetLabel = s, s
		case "Modulus":
			m, err := strconv.ParseUint(v.(*ast.BasicLit).Value, 0, 64)
			if err != nil {
				return nil, nil, err
			}
			y["modulus"], c.Modulus = m, m
		case "Action":
			a := strings.ToLower(v.(*ast.Ident).Name)
			y["action"], c.Action = a, relabel.Action(a)
		}
	}
	return y, &c, nil
}

func runTextPages(o Options) *Result {
	r := newResult("textparse")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return broken("textparse", err)
	}
	defer listener.Close()
	var targets []target
	for _, source := range []struct{ file, contentType string }{
		{"promparse_test.go", "text/plain; version=0.0.4"},
		{"openmetricsparse_test.go", "application/openmetrics-text; version=1.0.0"},
	} {
		f, err := sourceOf(o, "model/textparse/"+source.file)
		if err != nil {
			return broken("textparse", err)
		}
		for _, page := range pagesOf(f) {
			name := fmt.Sprintf("%s-%d", strings.TrimSuffix(source.file, "_test.go"), len(targets))
			targets = append(targets, textTarget(name, listener.Addr().String(), source.contentType, page))
		}
	}
	judgeTargets(o, r, listener, targets)
	failing, samples := 0, 0
	for _, t := range targets {
		samples += len(t.expected)
		if t.fails != "" {
			failing++
		}
	}
	r.summary = fmt.Sprintf("%d pages as live targets, %d of them must fail, the others hold %d samples; times of samples are not compared", len(targets), failing, samples)
	return r
}

// pagesOf finds every constant that a test assigns to a variable or field called input.
func pagesOf(f *ast.File) (pages []string) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !strings.HasPrefix(fn.Name.Name, "Test") {
			continue
		}
		page, have := "", false
		ast.Inspect(fn, func(x ast.Node) bool {
			switch s := x.(type) {
			case *ast.AssignStmt:
				id, ok := s.Lhs[0].(*ast.Ident)
				if !ok || id.Name != "input" || len(s.Rhs) != 1 {
					return true
				}
				v, ok := constantString(s.Rhs[0])
				switch {
				case !ok:
				case strings.Contains(s.Tok.String(), "+"):
					page += v
				default:
					if have {
						pages = append(pages, page)
					}
					page, have = v, true
				}
			case *ast.KeyValueExpr:
				if id, ok := s.Key.(*ast.Ident); ok && id.Name == "input" {
					if v, ok := constantString(s.Value); ok {
						pages = append(pages, v)
					}
				}
			}
			return true
		})
		if have {
			pages = append(pages, page)
		}
	}
	return pages
}

// textTarget works out with Prometheus's parser what a scrape of the page gives.
func textTarget(name, instance, contentType, page string) target {
	t := target{name: name, contentType: contentType, page: page}
	var p textparse.Parser
	symbols := labels.NewSymbolTable()
	if strings.HasPrefix(contentType, "text/plain") {
		p = textparse.NewPromParser([]byte(page), symbols, false)
	} else {
		p = textparse.NewOpenMetricsParser([]byte(page), symbols)
	}
	seen := map[string]bool{}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return t
		}
		if err != nil {
			t.fails, t.expected = err.Error(), nil
			return t
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, _, v := p.Series()
		var l labels.Labels
		p.Labels(&l)
		b := labels.NewBuilder(l)
		targetLabels(name, instance).Range(func(x labels.Label) {
			if l.Get(x.Name) == "" {
				b.Set(x.Name, x.Value)
			}
		})
		if l = b.Labels(); l.Get(labels.MetricName) == "" {
			t.fails, t.expected = "no metric name", nil
			return t
		}
		if key := l.String(); !seen[key] {
			seen[key] = true
			t.expected = append(t.expected, Row{Labels: l, T: []int64{0}, V: []float64{v}})
		}
	}
}
