package xmltree

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	versionPattern  = regexp.MustCompile(`^1\.[0-9]+$`)
	encodingPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)
)

// pseudoAttributes are the parts of an XML declaration, in their order; only the first is needed.
var pseudoAttributes = []struct {
	name string
	ok   func(value string) bool
}{
	{"version", versionPattern.MatchString},
	{"encoding", encodingPattern.MatchString},
	{"standalone", func(value string) bool { return value == "yes" || value == "no" }},
}

// declaration reads the XML declaration, if there is one. See XML 1.0, section
// 2.8.
func (t *treeReader) declaration() error {
	if !t.has("<?xml") || len(t.s) <= t.pos+5 || !isSpace(t.s[t.pos+5]) {
		return nil
	}
	t.pos += len("<?xml")
	next := 0 // of pseudoAttributes
	for {
		blank := t.space()
		if t.take("?>") {
			break
		}
		at := t.pos
		name, value, err := t.declaredPart(blank)
		if err != nil {
			return err
		}
		for 0 < next && next < len(pseudoAttributes) && pseudoAttributes[next].name != name {
			next++ // it is left out
		}
		if next == len(pseudoAttributes) || pseudoAttributes[next].name != name || !pseudoAttributes[next].ok(value) {
			t.pos = at
			return t.malformed("the XML declaration")
		}
		next++
		if name == "encoding" && !t.lenient && !strings.EqualFold(value, "UTF-8") {
			t.pos = at
			return &Error{Offset: int64(at), Rule: fmt.Sprintf("encoding %s is not UTF-8", shorten(value)), Encoding: true}
		}
	}
	if next == 0 {
		return t.malformed("the XML declaration has no version")
	}
	return nil
}

// declaredPart reads a name and its value in the XML declaration; blank reports whether
// white space comes before them.
func (t *treeReader) declaredPart(blank bool) (name, value string, err error) {
	if name, err = t.name(); err != nil {
		return "", "", err
	}
	t.space()
	if !blank || !t.take("=") {
		return "", "", t.malformed("the XML declaration")
	}
	t.space()
	value, err = t.quoted()
	return name, value, err
}
