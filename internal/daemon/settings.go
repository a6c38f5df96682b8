package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/gomscp/gomscp/internal/printable"
)

// A SettingError is an invalid setting of a configuration file.
type SettingError struct {
	Line int    // of the file, from 1; 0 if it is not known
	Key  string // such as push.delay or media_servers[0].uri
	Err  error
}

func (e *SettingError) Error() string {
	text := e.Err.Error()
	if e.Key != "" {
		text = e.Key + ": " + text
	}
	if e.Line > 0 {
		text = "line " + strconv.Itoa(e.Line) + ": " + text
	}
	return text
}

func (e *SettingError) Unwrap() error { return e.Err }

// BadSetting returns a *SettingError whose text is formatted like fmt.Errorf, with
// durations in the form of the configuration.
func BadSetting(key, format string, args ...any) error {
	for i, a := range args {
		if d, ok := a.(time.Duration); ok {
			args[i] = FormatDuration(d)
		}
	}
	return &SettingError{Key: key, Err: fmt.Errorf(format, args...)}
}

// Lines are the line numbers of the keys in a configuration file.
type Lines map[string]int

// Explain adds line numbers to the errors of a Validate. The errors may be joined; each
// begins with its key. They are sorted by line.
func (l Lines) Explain(err error) error {
	if err == nil {
		return nil
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	explained := make([]error, len(all))
	for i, err := range all {
		explained[i] = err
		key, _, _ := strings.Cut(err.Error(), ":")
		for k := key; k != ""; { // an element stands where its list does
			if line := l[k]; line > 0 {
				explained[i] = &SettingError{Line: line, Err: err}
				break
			}
			k = k[:max(strings.LastIndexAny(k, ".["), 0)]
		}
	}
	slices.SortStableFunc(explained, func(a, b error) int {
		return cmp.Or(cmp.Compare(lineOf(a), lineOf(b)), cmp.Compare(a.Error(), b.Error()))
	})
	return errors.Join(explained...)
}

func lineOf(err error) int {
	var e *SettingError
	if errors.As(err, &e) {
		return e.Line
	}
	return 0
}

// A settings reader sets the fields of a configuration to what a YAML file says,
// and gathers everything that is wrong.
type settings struct {
	known   []string // all keys there are
	anchors map[string]ast.Node
	lines   Lines
	errs    []error
}

// DecodeYAML sets the fields of into, a pointer to a struct, from a YAML document. It
// reports all errors, each with its line and key, as joined *SettingError: a key that
// into does not have, or a value of another type. Keys that the document does not have,
// or that have no value, do not change their fields.
func DecodeYAML(b []byte, into any) (Lines, error) {
	f, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	s := &settings{known: Keys(into), anchors: map[string]ast.Node{}, lines: Lines{}}
	read := false
	for _, doc := range f.Docs {
		switch doc.Body.(type) {
		case nil, *ast.CommentGroupNode, *ast.NullNode:
			continue
		}
		if read {
			s.bad(doc.Body, "", "a second document; there must be one")
			break
		}
		read = true
		ast.Walk(s, doc.Body)
		s.section(doc.Body, "", reflect.ValueOf(into).Elem())
	}
	return s.lines, errors.Join(s.errs...)
}

// syntaxError is what the parser says of a document that is not YAML, on one line.
func syntaxError(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		return err
	}
	line := 0
	if t := e.GetToken(); t != nil {
		line = t.Position.Line
	}
	return &SettingError{Line: line, Err: errors.New(e.GetMessage())}
}

// Visit notes an anchor. See [ast.Visitor].
func (s *settings) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok {
		s.anchors[a.Name.String()] = a.Value
	}
	return s
}

// resolve is the node that stands for n: what an alias names, the value of an anchor.
func (s *settings) resolve(n ast.Node) ast.Node {
	for range 10 { // an alias of an alias, at the most
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			n = s.anchors[v.Value.String()]
		case *ast.TagNode:
			n = v.Value
		default:
			return n
		}
	}
	return nil
}

func (s *settings) bad(n ast.Node, key, format string, args ...any) {
	line := 0
	if n != nil && n.GetToken() != nil {
		line = n.GetToken().Position.Line
	}
	s.errs = append(s.errs, &SettingError{Line: line, Key: key, Err: fmt.Errorf(format, args...)})
}

// section reads a mapping into a struct.
func (s *settings) section(n ast.Node, prefix string, into reflect.Value) {
	fields, ok := pairs(s.resolve(n))
	if !ok {
		s.bad(n, strings.TrimSuffix(prefix, "."), "%s is not a list of keys and values", shown(n))
		return
	}
	for _, f := range fields {
		if f.Key.IsMergeKey() {
			s.section(f.Value, prefix, into)
			continue
		}
		name := f.Key.String()
		if k, ok := f.Key.(*ast.StringNode); ok {
			name = k.Value
		}
		key := prefix + name
		field, ok := fieldOf(into, name)
		if !ok {
			s.unknown(f, prefix, name, into)
			continue
		}
		if t := f.GetToken(); t != nil {
			s.lines[key] = f.Key.GetToken().Position.Line
		}
		s.set(f.Value, key, field.value, field.unit)
	}
}

// pairs are the keys and values of a mapping.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

type field struct {
	value reflect.Value
	unit  string // "bytes" of a size
}

func fieldOf(v reflect.Value, name string) (field, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key == name && key != "-" {
			return field{v.Field(i), f.Tag.Get("unit")}, true
		}
	}
	return field{}, false
}

// unknown reports a key that there is not, with the one that may be meant.
func (s *settings) unknown(f *ast.MappingValueNode, prefix, name string, v reflect.Value) {
	best, least := "", max(2, len(name)/3)+1
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if d := distance(name, key); d < least && key != "-" {
			best, least = prefix+key, d
		}
	}
	for _, key := range s.known { // the right name in the wrong section
		last := key[strings.LastIndexByte(key, '.')+1:]
		if best == "" && (last == name || strings.ReplaceAll(key, ".", "_") == name) {
			best = key
		}
	}
	hint := ""
	if best != "" {
		hint = "; do you mean " + best + "?"
	}
	s.bad(f.Key, prefix+name, "there is no such setting%s", hint)
}

// set reads one value.
func (s *settings) set(n ast.Node, key string, v reflect.Value, unit string) {
	value := s.resolve(n)
	switch value.(type) {
	case *ast.NullNode:
		return // the default stays, as if the key were not there
	case nil:
		s.bad(n, key, "%s names nothing", shown(n))
		return
	}
	text, scalar := textOf(value)
	switch {
	case v.Kind() == reflect.Struct:
		s.section(value, key+".", v)
	case v.Kind() == reflect.Slice:
		s.list(value, key, v)
	case !scalar:
		s.bad(n, key, "must be one value, not a list or a section")
	case v.Type() == reflect.TypeFor[time.Duration]():
		s.check(n, key, setParsed(v, text, ParseDuration))
	case unit == "bytes":
		s.check(n, key, setParsed(v, text, ParseSize))
	default:
		s.check(n, key, setScalar(v, text))
	}
}

func (s *settings) check(n ast.Node, key string, err error) {
	if err != nil {
		s.bad(n, key, "%w", err)
	}
}

// list reads a sequence.
func (s *settings) list(n ast.Node, key string, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		s.bad(n, key, "%s is not a list; write [%s] or lines that begin with -", shown(n), shown(n))
		return
	}
	list := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, element := range seq.Values {
		at := key + "[" + strconv.Itoa(i) + "]"
		if element != nil && element.GetToken() != nil {
			s.lines[at] = element.GetToken().Position.Line
		}
		s.set(element, at, list.Index(i), "")
	}
	v.Set(list)
}

// textOf is a scalar as it is written, without quotes.
func textOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case ast.ScalarNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// shown is a value as an error shows it, cut to what fits on a line.
func shown(n ast.Node) string {
	if n == nil {
		return "nothing"
	}
	text, ok := textOf(n)
	if !ok {
		return "this"
	}
	return strconv.Quote(printable.Cut(text, 60))
}

func setParsed[T ~int64](v reflect.Value, text string, parse func(string) (T, error)) error {
	n, err := parse(text)
	if err == nil {
		if v.OverflowInt(int64(n)) {
			return fmt.Errorf("%q is too large", text)
		}
		v.SetInt(int64(n))
	}
	return err
}

// setScalar sets a string, a truth value or a number.
func setScalar(v reflect.Value, text string) error {
	quoted := strconv.Quote(printable.Cut(text, 60))
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
			return fmt.Errorf("%s is no boolean: true or false", quoted)
		}
		v.SetBool(strings.EqualFold(text, "true"))
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || v.OverflowInt(n) {
			return fmt.Errorf("%s is not a whole number", quoted)
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%s is not a number", quoted)
		}
		v.SetFloat(f)
	default:
		panic("daemon: a setting of type " + v.Type().String()) // a mistake of ours
	}
	return nil
}

// distance is how many letters must be changed, added, left out or exchanged with
// their neighbour to make b of a.
func distance(a, b string) int {
	before, last, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			change := 0
			if a[i-1] != b[j-1] {
				change = 1
			}
			next[j] = min(last[j]+1, next[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(b)]
}
