package sipuri

import "testing"

func TestCanonical(t *testing.T) {
	for _, tc := range []struct{ in, want string }{ // "" for an error
		{"sip:bob@example.com", "sip:bob@example.com"},
		{"SIP:Bob@EXAMPLE.com", "sip:Bob@example.com"},
		{"sip:bob@example.com:5060", "sip:bob@example.com"},
		{"sips:bob@example.com:5061", "sips:bob@example.com"},
		{"sip:bob@example.com:5061", "sip:bob@example.com:5061"},
		{"sip:bob@example.com:05060", "sip:bob@example.com"},
		{"sip:bob@example.com;transport=tcp?subject=x", "sip:bob@example.com"},
		{"sip:bob:secret@example.com", "sip:bob@example.com"},
		{"sip:%62o%62@example.com", "sip:bob@example.com"},
		{"sip:b%20b%c3%a4@example.com", "sip:b%20b%C3%A4@example.com"},
		{"sip:bob;x=y@example.com", "sip:bob;x=y@example.com"},
		{"sip:李@example.com", "sip:%E6%9D%8E@example.com"},
		{"sip:example.com", "sip:example.com"},
		{"sip:example.com.", "sip:example.com"},
		{"sip:bob@[2001:DB8::1]:5060", "sip:bob@[2001:db8::1]"},
		{"sip:bob@[2001:db8::1]:5070", "sip:bob@[2001:db8::1]:5070"},
		{`"Bob <b>" <sip:bob@example.com;lr>;tag=1`, "sip:bob@example.com"},
		{" sip:bob@example.com ", "sip:bob@example.com"},
		{"tel:+1-201-555-0123;phone-context=x", "tel:+12015550123"},

		{"", ""}, {"bob@example.com", ""}, {"http://example.com", ""}, {"sip:", ""}, {"sip:@example.com", ""},
		{"sip:bob@", ""}, {"sip:bob@exa mple.com", ""}, {"sip:bob@example.com:0", ""}, {"sip:bob@example.com:99999", ""},
		{"sip:bob@example.com:port", ""}, {"sip:bo%@example.com", ""}, {"sip:bo%zz@example.com", ""}, {"sip:bo b@example.com", ""},
		{"sip:bob@[::1", ""}, {"sip:bob@[nonsense]", ""}, {"<sip:bob@example.com", ""}, {"tel:bob?", ""}, {"tel:", ""},
		{"sip:bob@example.com\x00", ""}, {"sip:bo\r\nb@example.com", ""},
	} {
		got, err := Canonical(tc.in)
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%q: got %q, %v; want %q", tc.in, got, err, tc.want)
		}
	}
}

// FuzzCanonical holds that a canonical URI is its own canonical form.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"sip:bob@example.com:5060;x=y", "sips:%62@[::1]:5061", "<tel:+1-2>", "sip:a%3f%40@h."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, err := Canonical(s)
		if err != nil {
			return
		}
		if second, err := Canonical(first); err != nil || second != first {
			t.Errorf("%q became %q, then %q, %v", s, first, second, err)
		}
	})
}
