// SPDX-License-Identifier: Apache-2.0
//
// The parser's expression table: the same verdict, the same text with its position, the same
// expression printed, the same type. Every row runs with all syntax switches on and with none.
package main

import (
	"encoding/json"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

func runParserTable(o Options) *Result {
	r := newResult("parser")
	f, err := sourceOf(o, "promql/parser/parse_test.go")
	if err != nil {
		return broken("parser", err)
	}
	rows, err := tableOf(f, "testExpr")
	if err != nil {
		return broken("parser", err)
	}
	refused := 0
	for _, s := range []struct {
		name     string
		settings Settings
	}{{"all switches", corpusSettings()}, {"no switch", serverSettings()}} {
		product, err := newProduct(o.Plimsoll, s.settings)
		if err != nil {
			return broken("parser", err)
		}
		defer product.close()
		reference := parser.NewParser(s.settings.parserOptions())
		for i, row := range rows {
			expr, ok := constantString(fieldsOf(row)["input"])
			if !ok {
				r.skip("row %d (%s): its input is made by code", i, s.name)
				continue
			}
			want := parsed{}
			if e, err := reference.ParseExpr(expr); err != nil {
				want.Error = err.Error()
				refused++
			} else {
				want.Expr, want.Type = e.String(), parser.DocumentedType(e.Type())
			}
			got, err := product.parse(expr)
			switch {
			case err != nil:
				r.fail("%q: %v", expr, err)
			case want.Expr != got.Expr && want.Error == "" && got.Error == "" && want.Type == got.Type && !readsBack(reference, want.Expr):
				r.skip("%q (%s): Prometheus prints %q, which it does not read back; we print %q", expr, s.name, want.Expr, got.Expr)
			case want != got:
				r.fail("%q (%s): want %+v; got %+v", expr, s.name, want, got)
			default:
				r.pass()
			}
		}
	}
	r.summary = "rows times two sets of switches"
	o.say("%d rows, each with all syntax switches and with none; Prometheus refuses %d of these\n", len(rows), refused)
	return r
}

type parsed struct{ Expr, Type, Error string }

func readsBack(p parser.Parser, printed string) bool {
	e, err := p.ParseExpr(printed)
	return err == nil && e.String() == printed
}

// parse asks the product for an expression's printed form and type, or the error.
func (p *Product) parse(expr string) (parsed, error) {
	line, err := json.Marshal(map[string]string{"parse": expr})
	if err != nil {
		return parsed{}, err
	}
	reply, err := p.talk(line)
	if err != nil {
		return parsed{}, err
	}
	var answer struct {
		Status, Error string
		Data          struct{ Expr, Type string }
	}
	if err := json.Unmarshal(reply, &answer); err != nil {
		return parsed{}, err
	}
	return parsed{answer.Data.Expr, answer.Data.Type, strings.TrimPrefix(answer.Error, `invalid parameter "query": `)}, nil
}
