package as

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as/internal/mailbox"
	"github.com/gomscp/gomscp/mscp"
	"github.com/gomscp/gomscp/sipua"
)

// TestDisplayNameOfTheCaller follows a caller's name to the media server, into the
// directory, and into the From of the push.
func TestDisplayNameOfTheCaller(t *testing.T) {
	const alice = "sip:alice@example.com"
	for name, tc := range map[string]struct {
		from     string
		asserted []string
		privacy  string
		want     string
	}{
		"none":                        {from: alice},
		"in quotes":                   {from: `"Alice W" <` + alice + `>`, want: "Alice W"},
		"with escapes":                {from: `"Alice \"the\" \\W" <` + alice + `>`, want: `Alice "the" \W`},
		"tokens":                      {from: `Alice <` + alice + `>`, want: "Alice"},
		"asserted":                    {from: `"Boss" <sip:boss@example.com>`, asserted: []string{`"Alice W" <` + alice + `>`}, want: "Alice W"},
		"asserted without a name":     {from: `"Boss" <sip:boss@example.com>`, asserted: []string{"<" + alice + ">"}},
		"asserted is From":            {from: `"Alice W" <` + alice + `>`, asserted: []string{"<" + alice + ">"}, want: "Alice W"},
		"asserted, two rows":          {from: alice, asserted: []string{`"Tel" <tel:+15550100>`, `"Alice, W" <` + alice + `>`}, want: "Alice, W"},
		"another's address":           {from: `"boss@example.com" <` + alice + `>`},
		"its own address":             {from: `"alice@example.com" <` + alice + `>`, want: "alice@example.com"},
		"asserted, another's address": {from: `"sip:boss" <` + alice + `>`, asserted: []string{`"Boss (boss@example.com)" <` + alice + `>`}},
		"privacy":                     {from: `"Alice W" <` + alice + `>`, asserted: []string{`"Alice W" <` + alice + `>`}, privacy: "id"},
		"anonymous":                   {from: `"Anonymous" <sip:anonymous@anonymous.invalid>`, asserted: []string{`"Alice W" <` + alice + `>`}, privacy: "user;id"},
		"turns the text, and is long": {from: "\"\u202eecilA" + strings.Repeat("x", 500) + "\" <" + alice + ">", want: "ecilA" + strings.Repeat("x", sipua.MaxDisplayName-5)},
	} {
		t.Run(name, func(t *testing.T) {
			ms, c := newFakeMS(t), newCaller(t)
			restored := make(chan string, 1)
			ms.change(func(m *fakeMS) {
				m.onRequest = func(_ context.Context, req mscp.Element) (mscp.Element, error) {
					r := req.(*mscp.RestoreMsg)
					restored <- r.FromName
					return &mscp.MsgRestored{FromURI: r.FromURI, ToURI: r.ToURI, ConnectionID: r.ConnectionID}, nil
				}
			})
			s := startAS(t, func(c *Config) { c.Access.Trusted = []string{"127.0.0.1"} }, ms)
			r := sipua.InviteRequest{URI: testRecipient, From: tc.from, To: testRecipient, Destination: s.Addr(), Body: []byte(testOffer), ContentType: sdpType}
			for _, v := range tc.asserted {
				r.Header = append(r.Header, sipua.Header{Name: "P-Asserted-Identity", Value: v})
			}
			if tc.privacy != "" {
				r.Header = append(r.Header, sipua.Header{Name: "Privacy", Value: tc.privacy})
			}
			call, err := c.ua.Invite(testContext(t), r)
			if err != nil {
				t.Fatal(err)
			}
			if err := call.Ack(testContext(t), nil, ""); err != nil {
				t.Fatal(err)
			}
			if got := <-restored; got != tc.want {
				t.Errorf("the media server is told %q, want %q", got, tc.want)
			}
			var entry Pair
			if err := s.dir.Each(func(p Pair) error { entry = p; return nil }); err != nil || entry.Name != tc.want {
				t.Errorf("the directory has %+v, %v", entry, err)
			}
			if err := call.Bye(testContext(t)); err != nil {
				t.Fatal(err)
			}

			from := make(chan string, 1)
			user, err := sipua.New(sipua.Config{Addr: "127.0.0.1:0", Trace: func(e sipua.TraceEvent) {
				if head, ok := strings.CutPrefix(string(e.Raw), "INVITE "); ok && !e.Sent {
					_, head, _ = strings.Cut(head, "\r\nFrom: ")
					head, _, _ = strings.Cut(head, "\r\n")
					from <- head
				}
			}}, sipua.Handlers{Invite: func(in *sipua.IncomingCall) { _ = in.Reject(480, "") }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { user.Close() })
			s.cfg.OutboundProxy = user.Addr()
			service := s.newPushService()
			push := &pushCall{bridge: bridge{legs: s.legs, log: s.log}, service: service, pair: mailbox.Pair(entry), session: sessionID("")}
			_, _ = push.ringUser(testContext(t), []byte(testOffer))
			if got := <-from; !strings.HasPrefix(got, strings.TrimSuffix(sipua.NameAddr(tc.want, "<"+entry.Sender), ">")) && tc.want == "" || sipua.DisplayName(got) != tc.want {
				t.Errorf("called with From: %s", got)
			}
		})
	}
}

// TestDirectoryKeepsNames adds an entry with names, and one of a file without.
func TestDirectoryKeepsNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "as.db")
	d := openDirectory(t, path)
	p := Pair{Recipient: "r", Sender: "s", Server: "ms", Since: time.Unix(1, 0)}
	want := func(name string) {
		t.Helper()
		n := 0
		if err := d.Each(func(p Pair) error {
			if n++; p.Name != name || !p.Since.Equal(time.Unix(1, 0)) {
				t.Errorf("entry %+v, want the name %q", p, name)
			}
			return nil
		}); err != nil || n != 1 {
			t.Errorf("%d entries, %v", n, err)
		}
	}
	for _, step := range []struct{ name, want string }{{"", ""}, {"Alice", "Alice"}, {"", "Alice"}, {"Alice W", "Alice W"}} {
		p.Name = step.name
		if err := d.Add(p); err != nil {
			t.Fatal(err)
		}
		p.Since = time.Unix(2, 0)
		want(step.want)
	}
	p.Name = "Alice again"
	if n, err := d.AddAll([]Pair{p}); err != nil || n != 0 {
		t.Errorf("%d are new: %v", n, err)
	}
	d.Close()
	d = openDirectory(t, path)
	want("Alice again")
}
