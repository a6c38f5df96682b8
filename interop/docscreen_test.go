package interop

import (
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxDocLines is what fits on one screen above the list of names.
const maxDocLines = 40

// TestPackageDocs holds each package's comment to one screen of go doc.
func TestPackageDocs(t *testing.T) {
	n := 0
	err := filepath.WalkDir("..", func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); name == "testdata" || strings.HasPrefix(name, ".") && name != ".." {
			return filepath.SkipDir
		}
		text := packageComment(t, dir)
		if text == "" {
			return nil
		}
		n++
		var printed strings.Builder
		var p doc.Package
		_, _ = printed.Write(p.Text(text))
		if lines := strings.Count(printed.String(), "\n") + 2; lines > maxDocLines {
			t.Errorf("%s: go doc shows %d lines, more than %d", dir, lines, maxDocLines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 30 {
		t.Errorf("%d packages were found", n)
	}
}

// packageComment is the comment of the package in a folder.
func packageComment(t *testing.T, dir string) string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		if filepath.Ext(f.Name()) != ".go" || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, f.Name()), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(file.Doc.Text())
	}
	return all.String()
}
