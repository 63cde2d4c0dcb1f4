// SPDX-License-Identifier: Apache-2.0
//
// Reads test inputs out of Prometheus's own Go test sources, as syntax trees. What is expected is not
// read: it comes from running Prometheus's code on the input.
package main

import (
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"path/filepath"
	"strconv"
)

func sourceOf(o Options, path string) (*ast.File, error) {
	return goparser.ParseFile(token.NewFileSet(), filepath.Join(o.Module, path), nil, 0)
}

// constantString evaluates a constant string expression.
func constantString(e ast.Expr) (string, bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		if x.Kind == token.STRING {
			s, err := strconv.Unquote(x.Value)
			return s, err == nil
		}
	case *ast.BinaryExpr:
		a, ok1 := constantString(x.X)
		b, ok2 := constantString(x.Y)
		return a + b, ok1 && ok2 && x.Op == token.ADD
	case *ast.ParenExpr:
		return constantString(x.X)
	case *ast.CallExpr: // []byte("...")
		if len(x.Args) == 1 {
			return constantString(x.Args[0])
		}
	}
	return "", false
}

// fieldsOf returns the fields of a composite literal by name.
func fieldsOf(e ast.Expr) map[string]ast.Expr {
	c, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	m := map[string]ast.Expr{}
	for _, el := range c.Elts {
		if kv, ok := el.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok {
				m[id.Name] = kv.Value
			}
		}
	}
	return m
}

// tableOf returns the elements of a variable that is a list of literals.
func tableOf(f *ast.File, name string) ([]ast.Expr, error) {
	var rows []ast.Expr
	ast.Inspect(f, func(n ast.Node) bool {
		switch v := n.(type) {
		case *ast.ValueSpec:
			if len(v.Names) == 1 && v.Names[0].Name == name && len(v.Values) == 1 {
				if c, ok := v.Values[0].(*ast.CompositeLit); ok {
					rows = c.Elts
				}
			}
		case *ast.AssignStmt:
			if id, ok := v.Lhs[0].(*ast.Ident); ok && id.Name == name && len(v.Rhs) == 1 && rows == nil {
				if c, ok := v.Rhs[0].(*ast.CompositeLit); ok {
					rows = c.Elts
				}
			}
		}
		return rows == nil
	})
	if len(rows) == 0 {
		return nil, fmt.Errorf("no table %s", name)
	}
	return rows, nil
}

func stringMapOf(e ast.Expr) map[string]string {
	m := map[string]string{}
	ast.Inspect(e, func(x ast.Node) bool {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			k, ok1 := constantString(kv.Key)
			v, ok2 := constantString(kv.Value)
			if ok1 && ok2 {
				m[k] = v
			}
		}
		return true
	})
	return m
}
