package musts

import (
	"regexp"
	"slices"
	"testing"
)

// A package whose first three demands are proved, whose fourth has a test that
// looks away, and whose fifth has a part that its test does not try.
const (
	provedCode = `package x

const most = 10

// Clamp keeps n within bounds [RFC1-1-1].
func Clamp(n int) int {
	if n > most {
		n = most
	}
	return n
}

func Sign(n int) string {
	switch {
	case n < 0 && n > -100: // [RFC1-1-2]
		return "-"
	case n > 0:
		return "+"
	}
	s := word() // [RFC1-1-3]
	return s
}

func word() string { return "zero" }

func Even(n int) (bool, error) {
	return n%2 == 0, nil // [RFC1-1-4]
}

var base = number(3) // [RFC1-1-6]

func number(n int) int { return n }

func Odd(n int) bool {
	return n > 0 &&
		n < 50 && // [RFC1-1-5]
		n%2 != 0
}
`
	provedTests = `package x

import "testing"

func TestClamp(t *testing.T) {
	if Clamp(11) != 10 || Clamp(3) != 3 {
		t.Fail()
	}
}

func TestSign(t *testing.T) {
	if Sign(-1) != "-" || Sign(-200) != "zero" || Sign(2) != "+" || Sign(0) != "zero" {
		t.Fail()
	}
}

func TestEven(t *testing.T) { Even(2) }

func TestBase(t *testing.T) {
	if base != 3 {
		t.Fail()
	}
}

func TestOdd(t *testing.T) {
	if !Odd(3) || Odd(4) {
		t.Fail()
	}
}
`
	provedTable = "| RFC1-1-1 | a | x.go | TestClamp |\n| RFC1-1-2 | b | x.go | TestSign |\n| RFC1-1-3 | c | x.go | TestSign |\n" +
		"| RFC1-1-4 | d | x.go | TestEven |\n| RFC1-1-5 | e | x.go | TestOdd |\n| RFC1-1-6 | f | x.go | TestBase |\n"
)

func TestProve(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a package")
	}
	dir := write(t, map[string]string{"go.mod": "module x\n\ngo 1.24\n", "x.go": provedCode, "x_test.go": provedTests, "MUSTS.md": provedTable})
	wrong, err := prove(t.Context(), dir, t.TempDir(), regexp.MustCompile("."), t.Logf)
	want := []string{
		"RFC1-1-4: its tests do not notice `x.go: negate n%2 == 0` (line 27)",
		"RFC1-1-4: its tests notice nothing",
		"RFC1-1-5: its tests do not notice `x.go: true n < 50` (line 36)",
		"RFC1-1-5: its tests notice nothing",
	}
	if err != nil || !slices.Equal(wrong, want) {
		t.Errorf("got %q, %v", wrong, err)
	}
}

func TestExplained(t *testing.T) {
	dir := write(t, map[string]string{"MUTANTS.md": "| mutant | why |\n|---|---|\n| `RFC1-1-4` | nobody calls it |\n| `x.go: true n \\|\\| m` | it is never more |\n"})
	why, err := readExplained(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, b := &Mutant{File: "x.go", Kind: "true", Code: "n || m"}, &Mutant{File: "x.go", Kind: "delete", Code: "f()"}
	missed := map[string][]*Mutant{"RFC1-1-4": {b}, "RFC1-1-5": {a}, "RFC1-1-6": {a, b}}
	want := []string{"RFC1-1-6: its tests do not notice `x.go: delete f()` (line 0)", "RFC1-1-6: its tests notice nothing"}
	if wrong := report([]string{"RFC1-1-4", "RFC1-1-5", "RFC1-1-6"}, nil, missed, why); !slices.Equal(wrong, want) {
		t.Errorf("got %q", wrong)
	}
	if why, err := readExplained(t.TempDir()); err != nil || why != nil {
		t.Errorf("no file: %v, %v", why, err)
	}
}

// TestMutated puts mutants around the same code, and within each other.
func TestMutated(t *testing.T) {
	const src = "if a && f(b) { g() }"
	at := func(kind, code string, id int) *Mutant {
		i := regexp.MustCompile(regexp.QuoteMeta(code)).FindStringIndex(src)
		return &Mutant{ID: id, Kind: kind, start: i[0], end: i[1]}
	}
	got := string(mutated([]byte(src), []*Mutant{at("negate", "a && f(b)", 1), at("true", "a", 2), at("true", "f(b)", 3), at("zero", "f(b)", 4),
		at("zero", "b", 5), at("delete", "g()", 6)}))
	const want = "if ((((a) || mutantOn(2)) && ((mutantZero(4, f(mutantZero(5, b)))) || mutantOn(3))) != mutantOn(1)) { if !mutantOn(6) { g() } }"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
