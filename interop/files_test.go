package interop

import (
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFilesHaveNoCircles holds that no two files of a package depend on each other, directly
// or through others: each can be read after the files that it uses.
func TestFilesHaveNoCircles(t *testing.T) {
	for _, pkg := range []string{
		"as", "as/internal/access", "as/internal/balance", "as/internal/control", "as/internal/directory", "as/internal/mailbox",
		"as/internal/presence", "ms", "ms/internal/content",
	} {
		uses := fileUses(t, module+pkg)
		for _, circle := range circles(uses) {
			t.Errorf("%s: these files use each other: %s", pkg, strings.Join(circle, ", "))
		}
		if len(uses) == 0 {
			t.Errorf("%s: no file uses another", pkg)
		}
	}
}

// fileUses is, by file of a package, the other files whose names, methods or fields it uses.
func fileUses(t *testing.T, pkg string) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export", pkg)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", pkg, err)
	}
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
	}
	var of listed
	exports := map[string]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		of = listed{}
		if err := d.Decode(&of); err != nil { // the package itself comes last
			t.Fatal(err)
		}
		exports[of.ImportPath] = of.Export
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range of.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(of.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", open)}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	this, err := conf.Check(pkg, fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	uses := map[string][]string{}
	for id, obj := range info.Uses {
		if obj.Pkg() != this || isLocal(obj) {
			continue
		}
		from, to := filepath.Base(fset.Position(id.Pos()).Filename), filepath.Base(fset.Position(obj.Pos()).Filename)
		if from != to && !slices.Contains(uses[from], to) {
			uses[from] = append(uses[from], to)
		}
	}
	return uses
}

// isLocal reports whether an object is none of its package, and no method or field.
func isLocal(obj types.Object) bool {
	switch o := obj.(type) {
	case *types.Var:
		return !o.IsField() && o.Parent() != o.Pkg().Scope()
	case *types.Func:
		return false
	}
	return obj.Parent() != obj.Pkg().Scope()
}

// circles are the sets of files that reach each other.
func circles(uses map[string][]string) (all [][]string) {
	var reach func(from string, seen map[string]bool)
	reach = func(from string, seen map[string]bool) {
		for _, to := range uses[from] {
			if !seen[to] {
				seen[to] = true
				reach(to, seen)
			}
		}
	}
	reached := map[string]map[string]bool{}
	for file := range uses {
		reached[file] = map[string]bool{}
		reach(file, reached[file])
	}
	done := map[string]bool{}
	for file := range uses {
		if done[file] || !reached[file][file] {
			continue
		}
		var circle []string
		for other := range reached[file] {
			if reached[other][file] {
				circle = append(circle, other)
				done[other] = true
			}
		}
		slices.Sort(circle)
		all = append(all, circle)
	}
	return all
}

// TestCircles looks for circles in files that have some.
func TestCircles(t *testing.T) {
	got := circles(map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "e": {"e2", "a"}, "e2": {"e"}})
	slices.SortFunc(got, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	if len(got) != 2 || !slices.Equal(got[0], []string{"b", "c"}) || !slices.Equal(got[1], []string{"e", "e2"}) {
		t.Errorf("got %v", got)
	}
}
