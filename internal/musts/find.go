package musts

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// A finder looks for the code of one tag after the other in a file.
type finder struct {
	p      *plan
	fset   *token.FileSet
	src    []byte
	name   string
	parent map[ast.Node]ast.Node
	stmts  []ast.Stmt // but for blocks, in their order
	tags   []string
	tests  []string
	whole  bool
	seen   map[string]*Mutant
}

func (f *finder) parents(tree *ast.File) {
	f.parent = map[ast.Node]ast.Node{}
	var stack []ast.Node
	ast.Inspect(tree, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			f.parent[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		if s, ok := n.(ast.Stmt); ok {
			if _, block := n.(*ast.BlockStmt); !block {
				f.stmts = append(f.stmts, s)
			}
		}
		return true
	})
}

func (f *finder) line(p token.Pos) int { return f.fset.Position(p).Line }

// comment finds what a comment with tags stands at.
func (f *finder) comment(tree *ast.File, c *ast.Comment) {
	for _, d := range tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		doc := fn.Doc != nil && fn.Doc.Pos() <= c.Pos() && c.Pos() < fn.Doc.End()
		if doc || f.line(fn.Body.Lbrace) == f.line(c.Pos()) && f.line(fn.Pos()) != f.line(fn.Body.Rbrace) {
			f.whole = true
			f.function(fn.Body)
			f.whole = false
			return
		}
	}
	at := f.fset.Position(c.Pos())
	line, before := at.Line, f.src[at.Offset-at.Column+1:at.Offset]
	if strings.TrimSpace(string(before)) == "" { // alone on its line
		for _, s := range f.stmts {
			if s.Pos() > c.End() && f.line(s.Pos()) > line {
				f.stmt(s, f.line(s.Pos()))
				return
			}
		}
		return
	}
	var inner ast.Stmt
	for _, s := range f.stmts {
		if f.line(s.Pos()) <= line && line <= f.line(s.End()) && (inner == nil || s.Pos() >= inner.Pos()) {
			inner = s
		}
	}
	if inner != nil {
		f.stmt(inner, line)
		return
	}
	f.lineOf(tree, line)
}

// function breaks each condition and each simple statement of a body.
func (f *finder) function(body *ast.BlockStmt) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.IfStmt:
			f.negate(s.Cond)
		case *ast.ExprStmt, *ast.SendStmt, *ast.IncDecStmt, *ast.GoStmt, *ast.DeferStmt:
			f.remove(s)
		case *ast.AssignStmt:
			f.assign(s)
		case *ast.ReturnStmt:
			if s.Results != nil {
				f.values(s.Results, f.results(s))
			}
		}
		return true
	})
}

// stmt breaks the statement that has a tag on that line.
func (f *finder) stmt(s ast.Stmt, line int) {
	if c, ok := f.parent[s].(*ast.CommClause); ok && c.Comm == s {
		s = c
	}
	switch s := s.(type) {
	case *ast.IfStmt:
		f.condition(s.Cond)
		return
	case *ast.ForStmt:
		if s.Cond != nil {
			f.condition(s.Cond)
		}
		return
	case *ast.RangeStmt:
		f.add("zero", s.X)
		return
	case *ast.CaseClause:
		f.clause(s)
		return
	case *ast.CommClause:
		f.comm(s)
		return
	}
	if f.line(s.Pos()) != f.line(s.End()) { // one line of several
		f.lineOf(s, line)
		return
	}
	switch s := s.(type) {
	case *ast.ReturnStmt:
		if s.Results != nil {
			f.values(s.Results, f.results(s))
		}
		if f.mayGo(s) {
			f.remove(s)
		}
	case *ast.AssignStmt:
		f.assign(s)
	case *ast.ExprStmt, *ast.SendStmt, *ast.IncDecStmt, *ast.GoStmt, *ast.DeferStmt, *ast.BranchStmt:
		f.remove(s)
	}
	f.around(s)
}

// around breaks the condition under which a statement is reached.
func (f *finder) around(s ast.Stmt) {
	switch up := f.parent[s].(type) {
	case *ast.CaseClause:
		f.clause(up)
	case *ast.BlockStmt:
		if i, ok := f.parent[up].(*ast.IfStmt); ok && i.Body == up {
			f.condition(i.Cond)
		}
	}
}

// mayGo reports whether a return may be left out without an end of the function
// that lacks one.
func (f *finder) mayGo(s *ast.ReturnStmt) bool {
	switch up := f.parent[s].(type) {
	case *ast.BlockStmt:
		i, ok := f.parent[up].(*ast.IfStmt)
		return ok && i.Else == nil
	case *ast.CaseClause:
		for _, c := range f.parent[up].(*ast.BlockStmt).List {
			if clause, ok := c.(*ast.CaseClause); ok && clause.List == nil {
				return false
			}
		}
		return true
	}
	return false
}

func (f *finder) negate(e ast.Expr) { f.add("negate", e) }
func (f *finder) remove(s ast.Node) { f.add("delete", s) }

func (f *finder) add(kind string, n ast.Node) {
	start, end := f.fset.Position(n.Pos()), f.fset.Position(n.End())
	key := fmt.Sprint(kind, start.Offset, end.Offset)
	if m := f.seen[key]; m != nil { // of another tag too
		m.Whole = m.Whole && f.whole
		m.Tags = append(m.Tags, f.tags...)
		m.Tests = append(m.Tests, f.tests...)
		return
	}
	code, _, _ := strings.Cut(string(f.src[start.Offset:end.Offset]), "\n")
	m := &Mutant{ID: len(f.p.mutants) + 1, Tags: slices.Clone(f.tags), Tests: slices.Clone(f.tests), File: f.name, Line: start.Line,
		Kind: kind, Code: strings.TrimSpace(code), Whole: f.whole, start: start.Offset, end: end.Offset}
	f.seen[key] = m
	f.p.mutants = append(f.p.mutants, m)
}
