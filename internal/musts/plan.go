package musts

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Mutant is one way to break the code at a tag.
type Mutant struct {
	ID    int
	Tags  []string
	Tests []string // of the rows of these tags
	File  string
	Line  int
	Kind  string // what is done: "negate", "delete", "zero", "true", "false", "ready"
	Code  string // to what, its first line
	Whole bool   // one of many in a function that has the tag as a whole

	start, end int // in the file
}

// Key names the mutant as long as its code is the same, wherever that moves.
func (m *Mutant) Key() string { return m.File + ": " + m.Kind + " " + m.Code }

// plan are the mutants of one package.
type plan struct {
	dir     string
	name    string   // of the package
	tags    []string // that the code has, sorted
	mutants []*Mutant
	source  map[string][]byte
}

// newPlan finds the mutants at the tags that only matches.
func newPlan(dir string, only *regexp.Regexp) (*plan, error) {
	rows, err := ReadTable(dir)
	if err != nil {
		return nil, err
	}
	tests := map[string][]string{}
	for _, r := range rows {
		if only.MatchString(r.Tag) {
			tests[r.Tag] = r.Tests
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	p := &plan{dir: dir, source: map[string][]byte{}}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		if err := p.file(f, tests); err != nil {
			return nil, err
		}
	}
	p.tags = slices.Compact(slices.Sorted(slices.Values(p.tags)))
	return p, nil
}

// file finds the mutants in one file.
func (p *plan) file(path string, tests map[string][]string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, path, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	p.name = tree.Name.Name
	p.source[path] = src
	f := &finder{p: p, fset: fset, src: src, name: filepath.Base(path), seen: map[string]*Mutant{}}
	f.parents(tree)
	for _, group := range tree.Comments {
		for _, c := range group.List {
			f.tags, f.tests = nil, nil
			for _, m := range tagInGo.FindAllStringSubmatch(c.Text, -1) {
				if names, ok := tests[m[1]]; ok {
					p.tags = append(p.tags, m[1])
					f.tags = append(f.tags, m[1])
					f.tests = append(f.tests, names...)
				}
			}
			if f.tags != nil {
				f.comment(tree, c)
			}
		}
	}
	return nil
}

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
