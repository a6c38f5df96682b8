package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

type testSettings struct {
	Name  string  `yaml:"name"`
	On    bool    `yaml:"on"`
	Count int     `yaml:"count"`
	Rate  float64 `yaml:"rate"`
	Size  int64   `yaml:"size" unit:"bytes"`
	Push  struct {
		Delay time.Duration `yaml:"delay"`
		Ring  time.Duration `yaml:"ring"`
	} `yaml:"push"`
	Peers   []string `yaml:"peers"`
	Servers []struct {
		URI    string `yaml:"uri"`
		Weight int    `yaml:"weight"`
	} `yaml:"servers"`
}

func TestSettings(t *testing.T) {
	c := testSettings{Name: "default", Count: 7}
	c.Push.Ring = time.Second
	lines, err := DecodeYAML([]byte("# a comment\nname: \"5\" # another\non: TRUE\nrate: 2.5\nsize: 100MB\npush: {delay: 2d}\n"+
		"peers: [a, \"::1\"]\nservers:\n  - &one\n    uri: sip:a@b\n    weight: 3\n  - <<: *one\n    weight: 4\ncount:\n"), &c)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(c), "{5 true 7 2.5 100000000 {48h0m0s 1s} [a ::1] [{sip:a@b 3} {sip:a@b 4}]}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if lines["push.delay"] != 6 || lines["servers[0].weight"] != 11 || lines["servers[1]"] == 0 {
		t.Errorf("lines %v", lines)
	}
	for _, text := range []string{"", "# nothing\n", "---\n# nothing\n", "push:\n", "name: ~\n"} {
		c := testSettings{Name: "default"}
		c.Push.Ring = time.Second
		if _, err := DecodeYAML([]byte(text), &c); err != nil || c.Name != "default" || c.Push.Ring != time.Second {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

// TestBadSettings checks that an error has the line, the key and what is allowed.
func TestBadSettings(t *testing.T) {
	for text, want := range map[string]string{
		"push: {delay: \"5x\"}":               `line 1: push.delay: "5x" is not a duration such as 500ms, 30s, 1h or 2d`,
		"\npush:\n  delay: 5\n":               `line 3: push.delay: "5" has no unit; write a duration such as 500ms, 30s, 1h or 2d`,
		"size: 5XB":                           `line 1: size: "5XB" is not a size such as 1048576, 64KiB, 100MB or 1GB`,
		"on: perhaps":                         `line 1: on: "perhaps" is no boolean: true or false`,
		"count: 1.5":                          `line 1: count: "1.5" is not a whole number`,
		"rate: fast":                          `line 1: rate: "fast" is not a number`,
		"name: [a]":                           "line 1: name: must be one value, not a list or a section",
		"push: 5s":                            `line 1: push: "5s" is not a list of keys and values`,
		"peers: a":                            `line 1: peers: "a" is not a list; write ["a"] or lines that begin with -`,
		"servers:\n- uri: a\n- wieght: 1\n":   "line 3: servers[1].wieght: there is no such setting; do you mean servers[1].weight?",
		"nmae: x":                             "line 1: nmae: there is no such setting; do you mean name?",
		"ring: 5s":                            "line 1: ring: there is no such setting; do you mean push.ring?",
		"push_ring: 5s":                       "line 1: push_ring: there is no such setting; do you mean push.ring?",
		"entirely_other: x":                   "line 1: entirely_other: there is no such setting",
		"just text":                           `line 1: "just text" is not a list of keys and values`,
		"name: a\n---\nname: b\n":             "line 3: a second document; there must be one",
		"name: a\nname: b\n":                  "line 2: mapping key",
		"name: [":                             "line 1: ",
		"name: *nowhere":                      "names nothing",
		"push: {ring: 1s, delay: x}\non: 2\n": "line 1: push.delay: \"x\" is not a duration such as 500ms, 30s, 1h or 2d\nline 2: on: \"2\" is no boolean: true or false",
	} {
		var c testSettings
		_, err := DecodeYAML([]byte(text), &c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %s", text, err, want)
		}
		var bad *SettingError
		if !errors.As(err, &bad) {
			t.Errorf("%q gives a %T", text, err)
		}
	}
}

// TestExplain checks that what a Validate has found gets the lines of the file.
func TestExplain(t *testing.T) {
	l := Lines{"push.ring": 7, "servers": 2, "servers[0]": 3}
	got := InFile("f.yaml", l.Explain(errors.Join(
		BadSetting("push.ring", "%v is too long", 40*time.Second), BadSetting("servers[0].uri", "is empty"), BadSetting("name", "is empty"), errors.New("other"))))
	want := []string{"f.yaml: name: is empty", "f.yaml: other", "f.yaml: line 3: servers[0].uri: is empty", "f.yaml: line 7: push.ring: 40s is too long"}
	if lines := strings.Split(got.Error(), "\n"); !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
	if l.Explain(nil) != nil || InFile("f", nil) != nil {
		t.Error("nothing is wrong")
	}
}

func FuzzDecodeYAML(f *testing.F) {
	f.Add("push: {delay: 5x}\nservers: [{uri: a}]\n")
	f.Add("a: &b [*b]\n<<: *b\n")
	f.Add("peers: &p\n- *p\n")
	f.Fuzz(func(t *testing.T, text string) {
		var c testSettings
		if _, err := DecodeYAML([]byte(text), &c); err != nil && err.Error() == "" {
			t.Error("an error without text")
		}
	})
}
