package interop

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/ms"
)

const settingsPage = "../docs/settings.md"

var update = flag.Bool("update", false, "write docs/settings.md anew")

const settingsHead = `# Settings

Each server reads one YAML file. This page lists every key. It is made from
[as/default.yaml](../as/default.yaml) and [ms/default.yaml](../ms/default.yaml), and a test compares it
with them: edit those files, then run ` + "`go test ./interop -run TestSettingsPage -update`" + `.

- A *duration* is written like 500ms, 30s, 1h, 2d or 1w.
- A *size* is a number of bytes, or is written like 64KiB, 100MB or 1GB.
- A key in a section is written under it: ` + "`push.delay`" + ` is ` + "`push: {delay: 200ms}`" + `.
- [The manual](manual.md#reload) says which keys a reload applies.
`

// A setting is one key of a default.yaml, as its comment describes it.
type keyDoc struct{ key, unit, limits, value, effect string }

// A settingsFile is a default.yaml in parts.
type settingsFile struct {
	settings []keyDoc
	sections map[string]string // what the comment of a section says
}

var settingLine = regexp.MustCompile(`^( *)([a-z_]+): ?(.*)$`)

// readSettings reads a default.yaml with its comments. Every key must have one.
func readSettings(t *testing.T, file []byte, config any) settingsFile {
	t.Helper()
	f := settingsFile{sections: map[string]string{}}
	var comment []string
	section := ""
	for line := range strings.Lines(string(file)) {
		line = strings.TrimRight(line, "\n")
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "#"); ok {
			comment = append(comment, strings.TrimPrefix(text, " "))
			continue
		}
		m := settingLine.FindStringSubmatch(line)
		if m == nil {
			comment = nil
			continue
		}
		effect, limits := splitComment(comment)
		comment = nil
		if effect == "" {
			t.Errorf("%s%s has no comment", section, m[2])
		}
		switch {
		case m[3] == "":
			section = m[2] + "."
			f.sections[section] = effect
			continue
		case m[1] == "":
			section = ""
		}
		key := section + m[2]
		f.settings = append(f.settings, keyDoc{key, unitOf(t, config, key), limits, m[3], effect})
	}
	return f
}

// splitComment takes the range, which stands last, off a comment. An indented line is code.
func splitComment(lines []string) (effect, limits string) {
	var words []string
	for _, line := range lines {
		switch r, ok := strings.CutPrefix(line, "Range: "); {
		case ok:
			limits = r
		case strings.HasPrefix(line, "  -") || strings.HasPrefix(line, "    "):
			// an example of several lines
		case strings.HasPrefix(line, "  "):
			words = append(words, "`"+strings.TrimSpace(line)+"`.")
		default:
			words = append(words, line)
		}
	}
	return strings.Join(words, " "), limits
}

// unitOf is the unit of a key, by the type of its field.
func unitOf(t *testing.T, config any, key string) string {
	t.Helper()
	v := reflect.TypeOf(config)
	var field reflect.StructField
	for part := range strings.SplitSeq(key, ".") {
		found := false
		for i := range v.NumField() {
			if f := v.Field(i); f.Tag.Get("yaml") == part {
				field, v, found = f, f.Type, true
				break
			}
		}
		if !found {
			t.Fatalf("%s: no such field", key)
		}
	}
	switch {
	case field.Tag.Get("unit") == "bytes":
		return "size"
	case v == reflect.TypeFor[time.Duration]():
		return "duration"
	case v.Kind() == reflect.Bool:
		return "boolean"
	case v.Kind() == reflect.Slice:
		return "list"
	case v.Kind() == reflect.String:
		return "text"
	}
	return "number"
}

// table writes the settings of a server, a table for each section.
func (f settingsFile) table(b *strings.Builder) {
	last := "none"
	for _, s := range f.settings {
		section := s.key[:strings.IndexByte(s.key, '.')+1]
		if section != last {
			last = section
			if section == "" {
				fmt.Fprintf(b, "\n### `%s` and others without a section\n", s.key)
			} else {
				fmt.Fprintf(b, "\n### `%s`\n", strings.TrimSuffix(section, "."))
			}
			if f.sections[section] != "" {
				fmt.Fprintf(b, "\n%s\n", f.sections[section])
			}
			b.WriteString("\n| key | unit | range | default | effect |\n|---|---|---|---|---|\n")
		}
		limits := s.limits
		if limits == "" && s.unit == "boolean" {
			limits = "true, false"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | `%s` | %s |\n", s.key, s.unit, cell(limits), s.value, cell(s.effect))
	}
}

// cell makes text fit in a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func bothSettings(t *testing.T) map[string]settingsFile {
	return map[string]settingsFile{
		"as": readSettings(t, as.DefaultYAML, as.Config{}),
		"ms": readSettings(t, ms.DefaultYAML, ms.Config{}),
	}
}

// TestSettingsPage makes the page of settings of both default.yaml, and compares it with
// the one that there is.
func TestSettingsPage(t *testing.T) {
	files := bothSettings(t)
	if n := len(daemon.Keys(as.Config{})); n != len(files["as"].settings) {
		t.Errorf("as/default.yaml has %d of %d keys", len(files["as"].settings), n)
	}
	if n := len(daemon.Keys(ms.Config{})); n != len(files["ms"].settings) {
		t.Errorf("ms/default.yaml has %d of %d keys", len(files["ms"].settings), n)
	}
	var b strings.Builder
	b.WriteString(settingsHead)
	b.WriteString("\n## Application server: mscp-as\n")
	files["as"].table(&b)
	b.WriteString("\n## Media server: mscp-ms\n")
	files["ms"].table(&b)
	if *update {
		if err := os.WriteFile(settingsPage, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(settingsPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s differs from the comments of default.yaml; run go test ./interop -run TestSettingsPage -update", settingsPage)
	}
}

var (
	rangeFrom = regexp.MustCompile(`^(?:(0), or )?from (\d\w*)$`)
	rangeTo   = regexp.MustCompile(`^(\d\w*) to (\d+)( a second)?$`)
	rangeMore = regexp.MustCompile(`^more than 0(?:, to (\w+))?$`)
	rangeList = regexp.MustCompile(`^[a-z-]+(, [a-z-]+)+$`)
)

// TestRanges tries the ends of each range that a comment names, and values beyond them.
func TestRanges(t *testing.T) {
	tried := 0
	for server, f := range bothSettings(t) {
		for _, s := range f.settings {
			good, bad := edges(s)
			for _, value := range good {
				tried++
				if err := tryValue(server, s.key, value); err != nil && strings.Contains(err.Error(), s.key+":") {
					t.Errorf("%s: %s is %q, but %s gives %v", server, s.key, s.limits, value, err)
				}
			}
			for _, value := range bad {
				tried++
				if err := tryValue(server, s.key, value); err == nil || !strings.Contains(err.Error(), s.key+":") {
					t.Errorf("%s: %s is %q, but %s gives %v", server, s.key, s.limits, value, err)
				}
			}
		}
	}
	if tried < 150 {
		t.Errorf("%d values were tried", tried)
	}
}

// edges are values at the ends of a range, and beyond them.
func edges(s keyDoc) (good, bad []string) {
	below := "-1"
	if s.unit == "duration" {
		below = "-1s"
	}
	if m := rangeFrom.FindStringSubmatch(s.limits); m != nil {
		if m[1] != "" {
			good = append(good, "0")
		}
		switch m[2] {
		case "1":
			below = "0"
		case "1s":
			below = "999ms"
		case "90s":
			below = "89s"
		case "32MiB":
			below = "31MiB"
		}
		return append(good, m[2]), []string{below}
	}
	if m := rangeTo.FindStringSubmatch(s.limits); m != nil {
		if m[1] == "1" {
			below = "0"
		}
		return []string{m[1], m[2]}, []string{below, m[2] + "1"}
	}
	if m := rangeMore.FindStringSubmatch(s.limits); m != nil {
		good, bad = []string{"1ms"}, []string{"0s", below}
		if m[1] != "" {
			good, bad = append(good, m[1]), append(bad, m[1]+"1ms")
		}
		return good, bad
	}
	if rangeList.MatchString(s.limits) && s.unit == "text" {
		return strings.Split(s.limits, ", "), []string{"nonsense"}
	}
	return nil, nil
}

// tryValue validates a server's defaults with one value changed.
func tryValue(server, key, value string) error {
	text := key + ": " + value
	if section, name, nested := strings.Cut(key, "."); nested {
		text = section + ": {" + name + ": " + value + "}"
	}
	if server == "ms" {
		c := ms.DefaultConfig()
		if _, err := daemon.DecodeYAML([]byte(text), &c); err != nil {
			return err
		}
		return c.Validate()
	}
	c := as.DefaultConfig()
	if _, err := daemon.DecodeYAML([]byte(text), &c); err != nil {
		return err
	}
	return c.Validate()
}
