package mscp

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gomscp/gomscp/internal/testutil"
)

// TestMusts checks the table against the code, both ways: each tag stands in
// the files that its row names, each test exists, and no tag in the code is
// without a row.
func TestMusts(t *testing.T) {
	code, tests := sources(t)
	table, err := os.ReadFile("MUSTS.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(table)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || strings.HasPrefix(line, "| demand") || strings.HasPrefix(line, "|---") {
			continue
		}
		tag, files, names := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		if tag == "application" && files == "" && names == "" {
			continue
		}
		if files == "" || names == "" || listed[tag] {
			t.Errorf("a row without code or test, or twice: %s", line)
		}
		listed[tag] = true
		for _, file := range strings.Split(files, ", ") {
			if !strings.Contains(code[file], "["+tag+"]") {
				t.Errorf("%s has no tag %s", file, tag)
			}
		}
		for _, name := range strings.Split(names, ", ") {
			if !strings.Contains(tests, "func "+name+"(") {
				t.Errorf("%s: there is no test %s", tag, name)
			}
		}
		for file := range code {
			if strings.Contains(code[file], "["+tag+"]") && !slices.Contains(strings.Split(files, ", "), file) {
				t.Errorf("%s has the tag %s, but is not in its row", file, tag)
			}
		}
	}
	for file, text := range code {
		for _, m := range regexp.MustCompile(`\[(MSCP-[^\]]*)\]`).FindAllStringSubmatch(text, -1) {
			if !listed[m[1]] {
				t.Errorf("%s has the tag %s, which the table does not", file, m[1])
			}
		}
	}
}

// sources are the package's files by name, and all of its tests.
func sources(t *testing.T) (code map[string]string, tests string) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	code = map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f, "_test.go") {
			tests += string(b)
		} else {
			code[f] = string(b)
		}
	}
	return code, tests
}

// TestIDsMustRise checks that a request whose id is not above the one before it is not
// carried out, be the reading strict or not, and gets its own error element.
func TestIDsMustRise(t *testing.T) {
	for _, strict := range []bool{true, false} {
		as, ms := testutil.TCPPair(t)
		var handled atomic.Int32
		s := NewServer(ms, func(_ context.Context, req Element) (Element, error) {
			handled.Add(1)
			return &ConferenceUnjoined{ID1: "a", ID2: "b"}, nil
		}, Config{Strict: strict})
		defer s.Close()
		r := NewReader(as)
		for i, id := range []uint64{7, 8, 8, 3, 9} {
			writeRequest(t, as, id, &Unjoin{ID1: "a", ID2: "b"})
			want, name := StatusOK, "conferenceunjoined"
			if i == 2 || i == 3 {
				want, name = StatusBadRequest, "errorconferenceunjoin"
			}
			if p, err := r.Read(); err != nil || p.ID != id || p.Status != want || !bytes.Contains(p.Body, []byte("<"+name)) {
				t.Errorf("strict %t, %d: %+v, %v", strict, id, p, err)
			}
		}
		if handled.Load() != 3 {
			t.Errorf("strict %t: %d requests are carried out", strict, handled.Load())
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
		"prepare two":          {&DialogPrepare{Src: "http://a/", Script: xmlOf(`<v xmlns="urn:v"/>`)}, Request, "exactly one of the src attribute and the src element"},
		"prepare for both":     {&DialogPrepare{Src: "http://a/", ConnectionID: "a", ConferenceID: "b"}, Request, "are both there"},
		"start inherits":       {&DialogStart{PreparedDialogID: "d"}, Request, ""},
		"start nowhere":        {&DialogStart{Src: "http://a/"}, Request, "neither connectionid nor conferenceid"},
		"started nowhere":      {&DialogStarted{DialogID: "d"}, Response, "exactly one of connectionid and conferenceid"},
		"not started, both":    {&ErrorDialogNotStarted{DialogID: "d", ConnectionID: "a", ConferenceID: "b", Reason: "r"}, Response, "exactly one of connectionid and conferenceid"},
		"prepared for both":    {&DialogPrepared{DialogID: "d", ConnectionID: "a", ConferenceID: "b"}, Response, "are both there (section 4.1)"},
		"not prepared, both":   {&ErrorDialogNotPrepared{DialogID: "d", ConnectionID: "a", ConferenceID: "b", Reason: "r"}, Response, "are both there (section 4.1)"},
		"wrong state, both":    {&ErrorDialogWrongState{DialogID: "d", ConnectionID: "a", ConferenceID: "b", Reason: "r"}, Response, "are both there"},
		"wrong state, one":     {&ErrorDialogWrongState{DialogID: "d", ConferenceID: "b", Reason: "r"}, Response, ""},
		"not started nowhere":  {&ErrorDialogNotStarted{DialogID: "d", Reason: "r"}, Response, ""}, // an empty one is written
		"error, both":          {&ErrorDialog{DialogID: "d", ConnectionID: "a", ConferenceID: "b", Reason: "r"}, Notification, "are both there (section 4.5)"},
		"event, both":          {&DialogUser{EventName: "e", DialogID: "d", ConnectionID: "a", ConferenceID: "b"}, Notification, "are both there (section 4.6)"},
		"disconnect, both":     {&DialogDisconnect{DialogID: "d", ConnectionID: "a", ConferenceID: "b"}, Notification, "are both there (section 4.7)"},
		"transfer, both":       {&DialogTransfer{DialogID: "d", Type: "blind", URI: "sip:a", MaxTime: "0s", ConnectTimeout: "1s", ConnectionID: "a", ConferenceID: "b"}, Notification, "are both there (section 4.8)"},
		"terminate, both":      {&DialogTerminateTransfer{DialogID: "d", Reason: "near_end_disconnect", ConnectionID: "a", ConferenceID: "b"}, Notification, "are both there (section 4.9)"},
		"complete, both":       {&DialogTransferComplete{DialogID: "d", Reason: "busy", ConnectionID: "a", ConferenceID: "b"}, Notification, "are both there (section 4.10)"},
		"no media type":        {&DialogPrepare{Src: "s", Type: "vxml"}, Request, "type of dialogprepare is no media type"},
		"start two":            {&DialogStart{Src: "s", Script: xmlOf(`<v xmlns="urn:v"/>`), ConnectionID: "c"}, Request, "exactly one of the src attribute"},
		"start none":           {&DialogStart{ConnectionID: "c"}, Request, "exactly one of the src attribute"},
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
