package regevent

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

const reginfoHead = `<?xml version="1.0"?><reginfo xmlns="urn:ietf:params:xml:ns:reginfo" `

// TestParse reads a document with all that there can be, and something
// that the RFC does not know.
func TestParse(t *testing.T) {
	body := `<?xml version="1.0" encoding="UTF-8"?>
<r:reginfo xmlns:r="urn:ietf:params:xml:ns:reginfo" xmlns:x="urn:x" version="7" state="partial" x:new="1">
  <!-- a comment -->
  <r:registration aor="sip:joe@example.com" id="a7" state="active">
    <r:contact id="76" state="active" event="registered" duration-registered="7322" q="0.8" expires="3600" callid="c@h" cseq="9">
      <r:uri> sip:joe@pc887.example.com;x=y&amp;z </r:uri>
      <r:display-name xml:lang="en">Joe &lt;1&gt;</r:display-name>
      <r:unknown-param name="+sip.x">v</r:unknown-param>
      <x:uri>sip:other@example.com</x:uri>
    </r:contact>
    <r:contact id="77" state="terminated" event="probation" retry-after="30"><r:uri>sip:joe@university.edu</r:uri></r:contact>
    <x:contact id="78"><r:uri>sip:not@this</r:uri></x:contact>
  </r:registration>
  <r:registration aor="sip:ann@example.com" id="a8" state="init"/>
</r:reginfo>
`
	want := &Document{Version: 7, Partial: true, Registrations: []Registration{
		{AOR: "sip:joe@example.com", ID: "a7", State: "active", Contacts: []Contact{
			{ID: "76", URI: "sip:joe@pc887.example.com;x=y&z", DisplayName: "Joe <1>", State: "active", Event: "registered", Expires: time.Hour, Q: "0.8", CallID: "c@h", CSeq: 9},
			{ID: "77", URI: "sip:joe@university.edu", State: "terminated", Event: "probation", RetryAfter: 30 * time.Second},
		}},
		{AOR: "sip:ann@example.com", ID: "a8", State: "init"},
	}}
	got, err := Parse("", []byte(body))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if !got.Registrations[0].Active() || got.Registrations[1].Active() {
		t.Error("who is active is not told right")
	}
	again, err := got.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Parse("", again); err != nil || !reflect.DeepEqual(second, want) {
		t.Errorf("written as %s\nread as %+v, %v", again, second, err)
	}
}

// TestBadDocument refuses documents, and tells where.
func TestBadDocument(t *testing.T) {
	deep := strings.Repeat("<a>", MaxDepth) + strings.Repeat("</a>", MaxDepth)
	many := strings.Repeat("<a/>", MaxElements)
	for name, tc := range map[string]struct{ body, says string }{
		"not XML":         {"open", "byte 0: text outside"},
		"other root":      {` <presence xmlns="urn:ietf:params:xml:ns:pidf"/>`, "byte 1: the root element is not reginfo"},
		"other space":     {`<reginfo version="0" state="full"/>`, "root element is not reginfo"},
		"two roots":       {reginfoHead + `version="0" state="full"/>` + reginfoHead[21:] + `version="0" state="full"/>`, "more than one root"},
		"text after":      {reginfoHead + `version="0" state="full"/>x`, "text outside"},
		"not closed":      {reginfoHead + `version="0" state="full">`, "ends too early"},
		"document type":   {`<!DOCTYPE reginfo [<!ENTITY a "b">]>` + reginfoHead[21:] + `version="0" state="full"/>`, "byte 0: DOCTYPE"},
		"entity":          {reginfoHead + `version="0" state="full">&a;</reginfo>`, "reference"},
		"charset":         {`<?xml version="1.0" encoding="UTF-7"?>` + reginfoHead[21:] + `version="0" state="full"/>`, `encoding "UTF-7" is not read`},
		"no version":      {reginfoHead + `state="partial"/>`, "version"},
		"big version":     {reginfoHead + `version="4294967296" state="partial"/>`, "version"},
		"no state":        {reginfoHead + `version="0"/>`, "byte 21: the state of reginfo"},
		"attribute twice": {reginfoHead + `version="0" version="1" state="full"/>`, "twice"},
		"no aor":          {reginfoHead + `version="0" state="full"><registration id="a" state="active"/></reginfo>`, "aor"},
		"bad state":       {reginfoHead + `version="0" state="full"><registration aor="sip:a@b" id="a" state="gone"/></reginfo>`, "state of a registration"},
		"contact":         {reginfoHead + `version="0" state="full"><registration aor="sip:a@b" id="a" state="active"><contact id="1" state="init" event="created"/></registration></reginfo>`, "state of a contact"},
		"deep":            {reginfoHead + `version="0" state="full">` + deep + `</reginfo>`, "nested deeper"},
		"many":            {reginfoHead + `version="0" state="full">` + many + `</reginfo>`, "more than 10000 elements"},
		"long":            {reginfoHead + `version="0" state="full">` + strings.Repeat(" ", MaxBytes) + `</reginfo>`, "longer than"},
	} {
		if _, err := Parse("", []byte(tc.body)); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDocument holds that what is read is written so that it reads the same.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(reginfoHead + `version="1" state="partial"><registration aor="sip:a@b" id="a" state="active"><contact id="1" state="active" event="created" expires="7" q="0.5" callid="x" cseq="1"><uri>sip:a@c</uri><display-name>A</display-name></contact></registration></reginfo>`))
	f.Add([]byte(reginfoHead + `version="0" state="full"/>`))
	f.Add([]byte(`<!DOCTYPE a>`))
	for _, name := range reginfoFiles(f) {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := Parse("", body)
		if err != nil {
			return
		}
		text, err := first.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > MaxBytes {
			return
		}
		second, err := Parse("", text)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%q\nwas read as %+v\nwritten as %q\nread as %+v, %v", body, first, text, second, err)
		}
	})
}

// regDocument makes a document about bob: "id=state" for each contact.
func regDocument(version int, partial bool, state string, contacts ...string) []byte {
	info := Document{Version: uint32(version), Partial: partial, Registrations: []Registration{{AOR: "sip:bob@EXAMPLE.com", ID: "r", State: state}}}
	for _, c := range contacts {
		id, state, _ := strings.Cut(c, "=")
		info.Registrations[0].Contacts = append(info.Registrations[0].Contacts, Contact{ID: id, URI: "sip:bob@" + id, State: state, Event: "refreshed"})
	}
	text, _ := info.MarshalText() // it never fails
	return text
}

// summary is a record in short.
func summary(r Registration) string {
	s := r.State
	for _, c := range r.Contacts {
		s += " " + c.ID + "=" + c.State
	}
	return s
}

// TestState puts documents together.
func TestState(t *testing.T) {
	s, err := NewState("sip:bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	for i, tc := range []struct {
		version int
		partial bool
		state   string
		what    []string
		taken   bool
		want    string
	}{
		{5, true, "active", []string{"a=active"}, false, "active a=active"},
		{6, true, "active", []string{"c=active"}, false, "active a=active c=active"}, // the one before 5 is still missing
		{5, false, "active", []string{"a=active"}, true, "active a=active"},
		{6, true, "active", []string{"b=active"}, true, "active a=active b=active"},
		{6, true, "active", []string{"c=active"}, true, "active a=active b=active"},
		{7, true, "active", []string{"a=terminated"}, true, "active a=terminated b=active"},
		{8, true, "active", []string{"c=active"}, true, "active b=active c=active"},
		{10, true, "active", []string{"b=terminated", "d=active"}, false, "active b=terminated c=active d=active"},
		{9, true, "active", []string{"z=active"}, false, "active b=terminated c=active d=active"}, // comes late
		{11, true, "active", []string{"c=terminated"}, false, "active c=terminated d=active"},
		{10, false, "active", []string{"d=active"}, true, "active d=active"},
		{11, true, "terminated", nil, true, "terminated d=terminated"},
		{12, true, "active", []string{"e=active"}, true, "active e=active"},
		{0, false, "init", nil, true, "init"},
	} {
		info, err := Parse("", regDocument(tc.version, tc.partial, tc.state, tc.what...))
		if err != nil {
			t.Fatal(err)
		}
		other := Registration{AOR: "sip:ann@example.com", ID: "o", State: "active", Contacts: []Contact{{ID: "z", State: "active"}}}
		info.Registrations = append(info.Registrations, other)
		if taken := s.Apply(info); taken != tc.taken || summary(s.Registration()) != tc.want {
			t.Errorf("%d: taken %v, then %s, want %v, %s", i, taken, summary(s.Registration()), tc.taken, tc.want)
		}
	}
}
