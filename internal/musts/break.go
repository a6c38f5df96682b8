package musts

import (
	"go/ast"
	"go/token"
	"slices"
)

// condition negates a condition, and leaves out each part of it.
func (f *finder) condition(e ast.Expr) {
	f.negate(e)
	f.parts(e, 0)
}

// parts leaves out the operands of && and || on a line, or on all if line is 0.
func (f *finder) parts(e ast.Expr, line int) {
	b, ok := ast.Unparen(e).(*ast.BinaryExpr)
	if !ok || b.Op != token.LAND && b.Op != token.LOR {
		return
	}
	kind := map[token.Token]string{token.LAND: "true", token.LOR: "false"}[b.Op]
	for _, x := range []ast.Expr{b.X, b.Y} {
		if deeper, ok := x.(*ast.BinaryExpr); ok && deeper.Op == b.Op {
			f.parts(x, line)
			continue
		}
		if line == 0 || f.line(x.Pos()) <= line && line <= f.line(x.End()) {
			f.add(kind, x)
		}
		f.parts(x, line)
	}
}

func (f *finder) clause(c *ast.CaseClause) {
	if s, ok := f.parent[f.parent[c]].(*ast.SwitchStmt); ok && s.Tag == nil {
		for _, e := range c.List {
			f.condition(e)
		}
		return
	}
	for _, s := range c.Body {
		f.simple(s)
	}
}

// comm makes the channel of a select ready, and leaves out what follows.
func (f *finder) comm(c *ast.CommClause) {
	if e, ok := c.Comm.(*ast.ExprStmt); ok {
		if u, ok := e.X.(*ast.UnaryExpr); ok && u.Op == token.ARROW {
			f.add("ready", u.X)
		}
	}
	for _, s := range c.Body {
		f.simple(s)
	}
}

func (f *finder) simple(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		f.assign(s)
	case *ast.ExprStmt, *ast.IncDecStmt:
		f.remove(s)
	}
}

func (f *finder) assign(s *ast.AssignStmt) {
	if up, ok := f.parent[s].(*ast.IfStmt); ok && up.Init == s || s.Tok == token.DEFINE {
		f.values(s.Rhs, len(s.Lhs))
		return
	}
	f.remove(s)
}

// lineOf breaks the largest expressions that begin and end on that line of n.
func (f *finder) lineOf(n ast.Node, line int) {
	ast.Inspect(n, func(n ast.Node) bool {
		if b, ok := n.(*ast.BinaryExpr); ok && (b.Op == token.LAND || b.Op == token.LOR) {
			if _, inner := f.parent[b].(*ast.BinaryExpr); !inner {
				f.parts(b, line)
			}
			return false
		}
		e, ok := n.(ast.Expr)
		if !ok || f.line(e.Pos()) != line || f.line(e.End()) != line {
			return true
		}
		f.value(e)
		return false
	})
}

// value puts the zero value in the place of an expression, or of what is in it.
func (f *finder) value(e ast.Expr) {
	switch e := e.(type) {
	case *ast.KeyValueExpr:
		f.value(e.Value)
	case *ast.CompositeLit:
		for _, x := range e.Elts {
			f.value(x)
		}
	default:
		if !f.isName(e) {
			f.zero(e)
		}
	}
}

// isName reports whether an expression is what a declaration names.
func (f *finder) isName(e ast.Expr) bool {
	switch up := f.parent[e].(type) {
	case *ast.Field:
		return true
	case *ast.ValueSpec:
		return slices.ContainsFunc(up.Names, func(n *ast.Ident) bool { return n == e })
	}
	return false
}

// zero breaks a value: a condition is negated, others become zero.
func (f *finder) zero(e ast.Expr) {
	switch x := ast.Unparen(e).(type) {
	case *ast.BinaryExpr:
		switch x.Op {
		case token.LAND, token.LOR, token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			f.condition(e)
			return
		}
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			f.negate(e)
			return
		}
	case *ast.Ident:
		switch x.Name {
		case "true", "false":
			f.negate(e)
			return
		case "nil":
			return
		}
	case *ast.BasicLit:
		if x.Value == `""` || x.Value == "0" {
			return
		}
	case *ast.FuncLit:
		f.function(x.Body)
		return
	}
	f.add("zero", e)
}

// values breaks the values of an assignment or a return: of one call that gives
// several, what it is called with.
func (f *finder) values(all []ast.Expr, n int) {
	if call, ok := all[0].(*ast.CallExpr); ok && len(all) == 1 && n > 1 {
		all = call.Args
	}
	for _, e := range all {
		if id, ok := e.(*ast.Ident); ok && len(all) > 1 && (id.Name == "true" || id.Name == "false") {
			continue // mostly beside an error
		}
		f.zero(e)
	}
}

// results is how many values the function around a statement returns.
func (f *finder) results(n ast.Node) int {
	for ; n != nil; n = f.parent[n] {
		var t *ast.FuncType
		switch fn := n.(type) {
		case *ast.FuncDecl:
			t = fn.Type
		case *ast.FuncLit:
			t = fn.Type
		}
		if t != nil {
			return t.Results.NumFields()
		}
	}
	return 0
}
