package regevent

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bobIn is what the document says of bob.
func bobIn(t *testing.T, body []byte) Registration {
	t.Helper()
	info, err := Parse("", body)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewState("sip:bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if !s.Apply(info) {
		t.Fatal("the document is not applied")
	}
	return s.Registration()
}

// reginfoFiles are documents of registrars in which bob is registered.
func reginfoFiles(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files
}

// TestDocumentOfRegistrars reads documents as registrars write them: a byte order
// mark, another encoding, an expires that is negative or takes 32 bits.
func TestDocumentOfRegistrars(t *testing.T) {
	for _, name := range reginfoFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			r := bobIn(t, body)
			if !r.Active() || r.Contacts[0].URI != "sip:bob@192.0.2.9:5060" {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// TestDocumentValues reads attributes by their types in the schema. One that makes
// no sense is as if it were not there, and does not hide who is registered. See
// RFC 3680, section 5.4.
func TestDocumentValues(t *testing.T) {
	document := func(registration, contact string) []byte {
		return []byte(reginfoHead + `version="0" state="full"><registration aor="sip:bob@example.com" ` + registration + `><contact ` + contact + `><uri>sip:bob@192.0.2.9</uri></contact></registration></reginfo>`)
	}
	for name, tc := range map[string]struct {
		registration, contact string
		want                  Contact // beside URI; State "" for active
	}{
		"expires of 32 bits":  {`id="r" state="active"`, `id="1" state="active" event="created" expires="4294967295"`, Contact{ID: "1", Event: "created", Expires: 4294967295 * time.Second}},
		"expires of 64 bits":  {`id="r" state="active"`, `id="1" state="active" event="created" expires="18446744073709551615"`, Contact{ID: "1", Event: "created", Expires: time.Duration(math.MaxInt64).Truncate(time.Second)}},
		"expires beyond":      {`id="r" state="active"`, `id="1" state="active" event="created" expires="99999999999999999999999"`, Contact{ID: "1", Event: "created", Expires: time.Duration(math.MaxInt64).Truncate(time.Second)}},
		"expires with blanks": {`id="r" state="active"`, `id="1" state="active" event="created" expires=" 060&#10;"`, Contact{ID: "1", Event: "created", Expires: time.Minute}},
		"negative expires":    {`id="r" state="active"`, `id="1" state="active" event="created" expires="-1"`, Contact{ID: "1", Event: "created"}},
		"no number":           {`id="r" state="active"`, `id="1" state="active" event="probation" expires="soon" retry-after="1.5" cseq="x" q="high"`, Contact{ID: "1", Event: "probation", Q: "high"}},
		"empty values":        {`id="r" state="active"`, `id="1" state="active" event="created" expires="" retry-after="" cseq="" q=""`, Contact{ID: "1", Event: "created"}},
		"large cseq":          {`id="r" state="active"`, `id="1" state="active" event="created" cseq="4294967296"`, Contact{ID: "1", Event: "created"}},
		"blanks and case":     {`id="r" state=" Active "`, `id="1" state="ACTIVE&#9;" event=" registered"`, Contact{ID: "1", Event: "registered"}},
		"no event":            {`id="r" state="active"`, `id="1" state="active"`, Contact{ID: "1"}},
		"no ids":              {`state="active"`, `state="active" event="created"`, Contact{ID: "sip:bob@192.0.2.9", Event: "created"}},
		"foreign attributes":  {`id="r" state="active" xmlns:x="urn:x" x:state="terminated"`, `id="1" state="active" event="created" x:state="terminated" x:expires="5"`, Contact{ID: "1", Event: "created"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := bobIn(t, document(tc.registration, tc.contact))
			want := tc.want
			want.State, want.URI = "active", "sip:bob@192.0.2.9"
			if !r.Active() || len(r.Contacts) != 1 || r.Contacts[0] != want {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// TestDocumentStates reads who is registered from documents of many shapes.
func TestDocumentStates(t *testing.T) {
	full := func(inside string) string { return reginfoHead + `version="0" state="full">` + inside + `</reginfo>` }
	const bob = `<registration aor="sip:bob@example.com" id="r" state="active">`
	const contact = `<contact id="1" state="active" event="created"><uri>sip:bob@192.0.2.9</uri></contact>`
	for name, tc := range map[string]struct {
		body   string
		active bool
	}{
		"nothing":                  {"", false},
		"blank":                    {" \r\n", false},
		"no registration":          {full(""), false},
		"another user":             {full(strings.ReplaceAll(bob, "bob", "ann") + contact + `</registration>`), false},
		"ended contact":            {full(bob + strings.ReplaceAll(contact, "active", "terminated") + `</registration>`), false},
		"ended and active contact": {full(bob + strings.ReplaceAll(strings.ReplaceAll(contact, `"1"`, `"2"`), "active", "terminated") + contact + `</registration>`), true},
		"ended registration":       {full(strings.ReplaceAll(bob, "active", "terminated") + contact + `</registration>`), false},
		"no uri":                   {full(bob + `<contact id="1" state="active" event="created"/></registration>`), true},
		"registration elsewhere":   {full(`<x:a xmlns:x="urn:x">` + bob + contact + `</registration></x:a>`), false},
		"contact elsewhere":        {full(bob + `<x:a xmlns:x="urn:x">` + contact + `</x:a></registration>`), false},
		"foreign contact":          {full(bob + `<contact xmlns="urn:x" state="active"/></registration>`), false},
		"foreign before ours":      {full(`<registration xmlns="" aor="sip:bob@example.com" state="gone"/>` + bob + `<contact xmlns="" state="gone"/>` + contact + `</registration>`), true},
		"prefix not declared":      {full(`<ext:data ext:version="1"/>` + bob + contact + `<ext:data/></registration>`), true},
		"no version":               {reginfoHead + `state="full">` + bob + contact + `</registration></reginfo>`, true},
		"version with a sign":      {reginfoHead + `version="+0" state="full">` + bob + contact + `</registration></reginfo>`, true},
		"version left to fill in":  {reginfoHead + `version="00000000000" state="full">` + bob + contact + `</registration></reginfo>`, true},
		"port and case of the aor": {full(strings.Replace(bob, "sip:bob@example.com", " SIP:bob@EXAMPLE.com:5060 ", 1) + contact + `</registration>`), true},
		"upper-case encoding":      {`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + full(bob + contact + `</registration>`)[21:], true},
		"blank line before":        {"\r\n" + full(bob+contact+`</registration>`), true},
		"NUL behind":               {full(bob+contact+`</registration>`) + "\n\x00", true},
	} {
		t.Run(name, func(t *testing.T) {
			if r := bobIn(t, []byte(tc.body)); r.Active() != tc.active {
				t.Errorf("active is %v of %+v", r.Active(), r)
			}
		})
	}
}

// TestDocumentOfRFC3680 reads the examples of the RFC, sections 5.3 and 6.
func TestDocumentOfRFC3680(t *testing.T) {
	info, err := Parse("", []byte(`   <?xml version="1.0"?>
       <reginfo xmlns="urn:ietf:params:xml:ns:reginfo"
           xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                    version="0" state="full">
         <registration aor="sip:user@example.com" id="as9"
                       state="active">
           <contact id="76" state="active" event="registered"
                    duration-registered="7322"
                    q="0.8">
                    <uri>sip:user@pc887.example.com</uri>
           </contact>
           <contact id="77" state="terminated" event="expired"
                    duration-registered="3600"
                    q="0.5">
                    <uri>sip:user@university.edu</uri>
           </contact>
         </registration>
       </reginfo>
`))
	if err != nil || len(info.Registrations) != 1 || !info.Registrations[0].Active() || len(info.Registrations[0].Contacts) != 2 || info.Registrations[0].Contacts[1].State != "terminated" {
		t.Errorf("got %+v, %v", info, err)
	}
}
