package conform

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// maxCaseLines bounds the source of one case.
const maxCaseLines = 40

// TestLayout holds the cases of sections to one file each, and every case to a length.
func TestLayout(t *testing.T) {
	sections := regexp.MustCompile(`^(mscp|msrp|paper)_([0-9_]+)\.go$`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		of := sections.FindStringSubmatch(name)
		ast.Inspect(file, func(node ast.Node) bool {
			id, lines := caseOf(set, node)
			if id == "" {
				return true
			}
			n++
			if lines > maxCaseLines {
				t.Errorf("%s: %s has %d lines", name, id, lines)
			}
			if of != nil && !strings.HasPrefix(id, of[1]+"/"+strings.ReplaceAll(of[2], "_", ".")+"/") {
				t.Errorf("%s has the case %s", name, id)
			}
			return true
		})
	}
	if n < 250 {
		t.Errorf("only %d cases were found", n)
	}
}

// caseOf is the ID of the case that a node makes, and the lines that it takes.
func caseOf(set *token.FileSet, node ast.Node) (id string, lines int) {
	call, ok := node.(*ast.CallExpr)
	if !ok || len(call.Args) != 3 {
		return "", 0
	}
	if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "must" && f.Name != "should" {
		return "", 0
	}
	text, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return "", 0
	}
	id, _ = strconv.Unquote(text.Value)
	return id, set.Position(call.End()).Line - set.Position(call.Pos()).Line + 1
}
