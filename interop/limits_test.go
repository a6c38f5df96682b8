package interop

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/ms"
)

// limitsPage is the page of limits, from this folder.
const limitsPage = "../docs/limits.md"

// namedValue is how the page gives a value: 200 (`sipua.MaxStrangerRate`).
var namedValue = regexp.MustCompile("([0-9][0-9a-z]*)( bytes| lines)? \\(`([a-z]+)[. ]([A-Za-z_.]+)`\\)")

// packagesOfLimits are those whose constants the page names.
var packagesOfLimits = map[string]string{"sipua": "../sipua", "msrp": "../msrp", "ms": "../ms", "daemon": "../internal/daemon"}

// TestLimitsPage compares each value on the page of limits with the setting's default or the
// constant, and looks for each setting that bounds what strangers hold.
func TestLimitsPage(t *testing.T) {
	page, err := os.ReadFile(limitsPage)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]map[string]any{"as": yamlOf(t, as.DefaultYAML), "ms": yamlOf(t, ms.DefaultYAML)}
	constants := map[string]*types.Package{}
	seen := 0
	for _, m := range namedValue.FindAllStringSubmatch(string(page), -1) {
		value, owner, name := m[1], m[3], m[4]
		seen++
		got := ""
		if strings.Contains(m[0], owner+" "+name) {
			got = setting(settings[owner], name)
		} else {
			dir, ok := packagesOfLimits[owner]
			if !ok {
				t.Errorf("%s: no such package", m[0])
				continue
			}
			if constants[owner] == nil {
				constants[owner] = constantsOf(t, dir)
			}
			got = constantValue(constants[owner], name)
		}
		if !sameValue(value, got) {
			t.Errorf("%s: it is %q", m[0], got)
		}
	}
	if seen < 30 {
		t.Errorf("only %d values were found", seen)
	}
	for owner, names := range map[string][]string{
		"as": {"limits.source_rate", "limits.source_burst", "limits.calls", "limits.reserved_calls", "limits.user_calls", "limits.connections", "limits.source_connections"},
		"ms": {"msrp.connections", "msrp.unbound", "msrp.source_unbound", "msrp.unbound_timeout", "control.accept_timeout"},
	} {
		for _, name := range names {
			if !strings.Contains(string(page), "`"+owner+" "+name+"`") {
				t.Errorf("%s %s is not on the page", owner, name)
			}
		}
	}
}

// sameValue reports whether a value on the page is that of the code.
func sameValue(page, code string) bool {
	if page == code {
		return true
	}
	a, err := time.ParseDuration(page)
	b, err2 := time.ParseDuration(code)
	return err == nil && err2 == nil && a == b
}

func yamlOf(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := yaml.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// setting is the value of a key like limits.calls, "" without one.
func setting(m map[string]any, key string) string {
	first, rest, deeper := strings.Cut(key, ".")
	if deeper {
		next, _ := m[first].(map[string]any)
		return setting(next, rest)
	}
	if v, ok := m[first]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// onlyTime imports package time, which is all that the constants need.
type onlyTime struct{ source types.Importer }

// Import implements [types.Importer].
func (o onlyTime) Import(path string) (*types.Package, error) {
	if path == "time" {
		return o.source.Import(path)
	}
	return nil, fmt.Errorf("not needed")
}

// constantsOf reads a package for its constants; what else is wrong with it for want of
// imports does not matter.
func constantsOf(t *testing.T, dir string) *types.Package {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	cfg := types.Config{Importer: onlyTime{importer.ForCompiler(fset, "source", nil)}, Error: func(error) {}, IgnoreFuncBodies: true}
	pkg, _ := cfg.Check(dir, fset, parsed, nil) // errors are as expected
	return pkg
}

// constantValue is a constant as the page has it, "" without one.
func constantValue(pkg *types.Package, name string) string {
	c, ok := pkg.Scope().Lookup(name).(*types.Const)
	if !ok {
		return ""
	}
	n, ok := constant.Int64Val(constant.ToInt(c.Val()))
	switch {
	case !ok:
		return ""
	case c.Type().String() == "time.Duration":
		return time.Duration(n).String()
	}
	return fmt.Sprint(n)
}
