package mscp

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMusts checks that the table names tags and tests that exist.
func TestMusts(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		code += string(b)
	}
	table, err := os.ReadFile("MUSTS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range regexp.MustCompile(`\bMSCP-[0-9.]+(-[0-9]+)?`).FindAllString(string(table), -1) {
		if !strings.Contains(code, "["+tag+"]") {
			t.Errorf("no code has the tag %s", tag)
		}
	}
	for _, name := range regexp.MustCompile(`\bTest\w+`).FindAllString(string(table), -1) {
		if !strings.Contains(code, "func "+name+"(") {
			t.Errorf("there is no test %s", name)
		}
	}
}

// TestRules checks what holds between the attributes of one element.
func TestRules(t *testing.T) {
	for name, tc := range map[string]struct {
		e    Element
		kind Kind
		want string // a finding, or "" for none
	}{
		"prepare":              {&DialogPrepare{Src: "http://a/"}, Request, ""},
		"prepare nothing":      {&DialogPrepare{}, Request, "exactly one of the src attribute and the src element"},
		"prepare two":          {&DialogPrepare{Src: "http://a/", Script: Fragment(`<v xmlns="urn:v"/>`)}, Request, "exactly one of the src attribute and the src element"},
		"prepare for both":     {&DialogPrepare{Src: "http://a/", ConnectionID: "a", ConferenceID: "b"}, Request, "are both there"},
		"start inherits":       {&DialogStart{PreparedDialogID: "d"}, Request, ""},
		"start nowhere":        {&DialogStart{Src: "http://a/"}, Request, "neither connectionid nor conferenceid"},
		"started nowhere":      {&DialogStarted{DialogID: "d"}, Response, "exactly one of connectionid and conferenceid"},
		"not started, both":    {&ErrorDialogNotStarted{DialogID: "d", ConnectionID: "a", ConferenceID: "b", Reason: "r"}, Response, "exactly one of connectionid and conferenceid"},
		"video":                {&CreateConference{ReservedMedia: "video", AudioMixingPolicy: "nbest", VideoMixingPolicy: "vas"}, Request, ""},
		"video without policy": {&CreateConference{ReservedMedia: "video", VideoMixingPolicy: "vas"}, Request, "video without audiomixingpolicy"},
		"manual, one":          {&CreateConference{ReservedMedia: "audiovideo", AudioMixingPolicy: "nbest", VideoMixingPolicy: "manual"}, Request, "only one of the mixing policies"},
		"audio, manual":        {&CreateConference{AudioMixingPolicy: "manual"}, Request, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var all string
			for _, f := range Validate((&Document{Kind: tc.kind, Element: tc.e}).Encode(Draft)) {
				all += f.String() + "\n"
			}
			if (all == "") != (tc.want == "") || !strings.Contains(all, tc.want) {
				t.Errorf("findings: %s", all)
			}
		})
	}
	if e := Refuse(&DialogStart{PreparedDialogID: "d", ConnectionID: "c"}, "r").(*ErrorDialogNotStarted); e.DialogID != "d" {
		t.Errorf("dialogid %s", e.DialogID)
	}
	if e := Refuse(&Join{ID1: "1", ID2: "2"}, "r").(*ErrorConferenceJoin); e.ID1 != "1" || e.ID2 != "2" {
		t.Errorf("join: %+v", e)
	}
	if e := Refuse(&Unjoin{ID1: "1", ID2: "2"}, "r").(*ErrorConferenceUnjoin); e.ID1 != "1" || e.ID2 != "2" {
		t.Errorf("unjoin: %+v", e)
	}
}

// TestRequestIDsRise checks what a Client numbers, and that it takes no
// request.
func TestRequestIDsRise(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	c := NewClient(a, Config{})
	defer c.Close()
	r := NewReader(b)
	var last uint64
	for i := range 20 {
		go func() { _, _ = c.Do(t.Context(), &SendMsg{"a", "b", "c"}) }()
		p, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && p.ID <= last {
			t.Errorf("%d after %d", p.ID, last)
		}
		last = p.ID
	}
	doc := Document{Kind: Request, Element: &SendMsg{"a", "b", "c"}}
	_ = (&PDU{Kind: Request, ID: 1, Body: doc.Encode(Draft)}).Write(b)
	<-c.Done()
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "sent a request") {
		t.Errorf("ended with %v", err)
	}
}
