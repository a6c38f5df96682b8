package xmltree

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestUnsignedLong reads numbers by their lexical rules.
func TestUnsignedLong(t *testing.T) {
	for s, want := range map[string]uint64{
		"0": 0, "007": 7, "+7": 7, "-0": 0, "-000": 0, " 7\n": 7,
		"18446744073709551615": math.MaxUint64, "18446744073709551616": math.MaxUint64, strings.Repeat("9", 100): math.MaxUint64,
	} {
		if n, ok := UnsignedLong(s); n != want || !ok {
			t.Errorf("%q: %d, %v", s, n, ok)
		}
	}
	for _, s := range []string{"", " ", "-1", "-", "+", "++1", "+-1", "1 2", "1.0", "1e3", "0x1", "1_0", "١"} {
		if n, ok := UnsignedLong(s); ok {
			t.Errorf("%q: %d", s, n)
		}
	}
}

// TestCollapse treats the four blanks of XML alike, and no others.
func TestCollapse(t *testing.T) {
	for s, want := range map[string]string{"": "", " \t\r\n": "", " a \n b\tc ": "a b c", "\u00a0a": "\u00a0a"} {
		if got := Collapse(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
}

// TestOffsetsInUTF16 has the places of elements counted in the bytes that came.
func TestOffsetsInUTF16(t *testing.T) {
	doc := wide("\ufeff<?xml version='1.0'?><é>😀<b/></é>")
	root, err := ParseLenient(doc, "", testLimits)
	if err != nil {
		t.Fatal(err)
	}
	b := root.Kids[0]
	if got := string(doc[b.Offset:b.End]); got != "<\x00b\x00/\x00>\x00" {
		t.Errorf("%q", got)
	}
}

// wide is s in UTF-16LE.
func wide(s string) []byte {
	var b []byte
	for _, r := range s {
		if r > 0xFFFF {
			r -= 0x10000
			b = append(b, byte(r>>10), byte(0xD8|r>>18), byte(r), byte(0xDC|r>>8&3))
			continue
		}
		b = append(b, byte(r), byte(r>>8))
	}
	return b
}

// TestUndeclaredPrefixes keeps two of them apart, and apart from any namespace.
func TestUndeclaredPrefixes(t *testing.T) {
	root, err := ParseLenient([]byte(`<a p:x="1" q:x="2" x="3"><p:b/><b/></a>`), "", testLimits)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := root.Attr("x"); v != "3" {
		t.Errorf("x is %q", v)
	}
	for b := range root.All("", "b") {
		if b != root.Kids[1] {
			t.Error("p:b is taken for b")
		}
	}
	if _, err := ParseLenient([]byte(`<a p:x="1" p:x="2"/>`), "", testLimits); err == nil {
		t.Error("an attribute twice is taken")
	}
}

// generated are documents of all encodings, well-formed and not: each of
// wellFormed, and what becomes of a few when a byte is lost, doubled or changed.
func generated() [][]byte {
	var docs [][]byte
	for _, tc := range wellFormed {
		docs = append(docs, []byte(tc.doc))
	}
	base := []byte(`<?xml version="1.0" encoding="UTF-8"?><p:a xmlns:p="u" b='&lt;1'><!-- c --><p:d>x &#233; &amp;<![CDATA[<]]></p:d><?e f?></p:a>`)
	for i := range base {
		docs = append(docs, append(bytes.Clone(base[:i]), base[i+1:]...), append(bytes.Clone(base[:i+1]), base[i:]...))
		for _, c := range []byte("<&>\"= \x01\x80") {
			doc := bytes.Clone(base)
			doc[i] = c
			docs = append(docs, doc)
		}
	}
	for _, encoding := range []string{"UTF-8", "UTF-16", "US-ASCII", "ISO-8859-1", "iso-8859-1", "windows-1252", "latin1", "UTF-99", "ISO-8859-15", "KOI8-R"} {
		for c := 0x7F; c < 0x100; c += 3 {
			docs = append(docs, append([]byte(`<?xml version="1.0" encoding="`+encoding+`"?><a>`), byte(c), '<', '/', 'a', '>'))
		}
		docs = append(docs, wide("\ufeff<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>é😀</a>"), wide("\ufeff<a>é</b>"))
	}
	return docs
}

// differs reports whether ParseLenient may judge unlike libxml2: by its own
// freedoms and refusals as documented, and where libxml2 has those of an older
// edition, or does not stop at a namespace error.
func differs(doc []byte) bool {
	s := string(doc)
	_, strict := Parse(doc, testLimits)
	bad := new(Error)
	return strings.Contains(s, "<!DOCTYPE") || // refused here
		strings.HasPrefix(strings.TrimLeft(s, " \t\r\n"), "<?xml") && !strings.HasPrefix(s, "<?xml") || // blank lines before
		strings.HasSuffix(s, "\x00") ||
		strings.Contains(s, `encoding="UTF-16"`) && !strings.Contains(s, "\x00") || // UTF-16 in name only
		errors.As(strict, &bad) && namespaceError(bad.Rule) ||
		strings.Contains(s, `version="1.1"`) || strings.Contains(s, `version="1."`) || // taken there
		strings.Contains(s, `encoding="UTF--8"`) // a warning there
}

func namespaceError(rule string) bool {
	for _, part := range []string{"prefix", "qualified", "twice", "target"} {
		if strings.Contains(rule, part) {
			return true
		}
	}
	return false
}

// TestAgainstXmllint has libxml2 judge the same documents.
func TestAgainstXmllint(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		if os.Getenv("GOMSCP_REQUIRE_PEERS") == "1" {
			t.Fatal("xmllint is not there")
		}
		t.Skip("xmllint is not there")
	}
	dir := t.TempDir()
	docs := generated()
	var names []string
	for i, doc := range docs {
		name := filepath.Join(dir, strconv.Itoa(i)+".xml")
		if err := os.WriteFile(name, doc, 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	out, err := exec.Command("xmllint", append([]string{"--noout", "--nonet"}, names...)...).CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		name, rest, _ := strings.Cut(line, ".xml:")
		if strings.Contains(rest, "error") && !strings.Contains(rest, "namespace ") {
			refused[filepath.Base(name)] = true
		}
	}
	if len(refused) < 100 || len(refused) > len(docs)-100 {
		t.Fatalf("%d of %d refused by xmllint: %.300s", len(refused), len(docs), out)
	}
	for i, doc := range docs {
		_, err := ParseLenient(doc, "", testLimits)
		if (err != nil) != refused[fmt.Sprint(i)] && !differs(doc) {
			t.Errorf("%q: %v, refused by xmllint: %v", doc, err, refused[fmt.Sprint(i)])
		}
	}
}

// FuzzLenient holds that offsets are in the document, and that what Parse takes
// is read alike.
func FuzzLenient(f *testing.F) {
	for _, doc := range generated() {
		f.Add("", doc)
	}
	f.Add("utf-16", wide("<a/>"))
	f.Fuzz(func(t *testing.T, charset string, doc []byte) {
		root, err := ParseLenient(doc, charset, testLimits)
		if bad := new(Error); errors.As(err, &bad) && (bad.Offset < 0 || bad.Offset > int64(len(doc)) || bad.Rule == "") {
			t.Errorf("offset %d of %d: %s", bad.Offset, len(doc), bad.Rule)
		}
		if err == nil && (root.Offset < 0 || root.Offset >= root.End || root.End > int64(len(doc))) {
			t.Errorf("the root is from %d to %d of %d", root.Offset, root.End, len(doc))
		}
		strict, strictErr := Parse(doc, testLimits)
		if charset == "" && strictErr == nil && (err != nil || root.Local != strict.Local || root.Text != strict.Text || len(root.Kids) != len(strict.Kids)) {
			t.Errorf("read otherwise: %+v, %v", root, err)
		}
	})
}
