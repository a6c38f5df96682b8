package as

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/gomscp/gomscp/sipua"
)

const elsewhere = "192.0.2.0/24" // a range that no test is in

func ha1(algorithm, user, password string) string {
	text := []byte(user + ":example.com:" + password)
	if algorithm == "MD5" {
		return fmt.Sprintf("%x", md5.Sum(text))
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

func writeUsers(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func strangersOnly(c *Config) {
	c.Access.Peers, c.Access.Trusted = []string{elsewhere}, []string{elsewhere}
}

func wantRejected(t *testing.T, s *Server, reason string, n int) {
	t.Helper()
	count := func() float64 {
		var m dto.Metric
		if err := s.metrics.rejected.WithLabelValues(reason).Write(&m); err != nil {
			t.Error(err)
		}
		return m.GetCounter().GetValue()
	}
	waitFor(t, fmt.Sprintf("%d rejections for %q", n, reason), func() bool { return count() >= float64(n) })
	if got := count(); got != float64(n) {
		t.Errorf("%v rejections for %q, want %d", got, reason, n)
	}
}

func TestStrangerIsRefused(t *testing.T) {
	ms, c := newFakeMS(t), newCaller(t)
	s := startAS(t, strangersOnly, ms)
	for range 3 {
		_, err := c.call(testContext(t), s, testOffer)
		wantStatus(t, err, 403)
	}
	wantRejected(t, s, "stranger", 3)
	ms.change(func(ms *fakeMS) {
		if len(ms.offers) != 0 {
			t.Error("the call came to the media server")
		}
	})
}

// TestDigest lets users call with credentials, and only with a From of theirs.
func TestDigest(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			users := writeUsers(t, "# users", "",
				"alice:example.com:"+ha1(algorithm, "alice", "secret"),
				"carol:example.com:"+ha1(algorithm, "carol", "hers")+":sip:carol@example.com sip:info@example.com")
			ms := newFakeMS(t)
			s := startAS(t, func(c *Config) {
				strangersOnly(c)
				c.Access.Users, c.Access.Realm = users, "example.com"
			}, ms)
			for name, tc := range map[string]struct {
				user, password, from string
				code                 int
			}{
				"right":          {"alice", "secret", "sip:alice@example.com", 200},
				"sips":           {"alice", "secret", "sips:alice@example.com", 200},
				"second address": {"carol", "hers", "sip:info@example.com", 200},
				"no password":    {"alice", "", "sip:alice@example.com", 401},
				"wrong password": {"alice", "guess", "sip:alice@example.com", 401},
				"unknown":        {"mallory", "guess", "sip:mallory@example.com", 401},
				"another's From": {"alice", "secret", "sip:carol@example.com", 403},
				"other domain":   {"alice", "secret", "sip:alice@example.org", 403},
			} {
				t.Run(name, func(t *testing.T) {
					ctx, c := testContext(t), newCaller(t)
					call, err := c.ua.Invite(ctx, sipua.InviteRequest{
						URI: "sip:bob@example.com", From: tc.from, To: "sip:bob@example.com", Destination: s.Addr(),
						Body: []byte(testOffer), ContentType: sdpType, Username: tc.user, Password: tc.password,
					})
					if tc.code != 200 {
						wantStatus(t, err, tc.code)
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					if err := call.Ack(ctx, nil, ""); err != nil {
						t.Error(err)
					}
					if err := call.Bye(ctx); err != nil {
						t.Error(err)
					}
				})
			}
			wantRejected(t, s, "from", 2)
			wantRejected(t, s, "credentials", 2) // nobody's guess at no password
		})
	}
}

// TestAssertedIdentity takes the P-Asserted-Identity of those who are trusted.
func TestAssertedIdentity(t *testing.T) {
	const asserted = "sip:real@example.com"
	everywhere := []string{"127.0.0.0/8"}
	for name, tc := range map[string]struct {
		trusted []string
		headers []sipua.Header
		want    string
	}{
		"trusted":     {everywhere, []sipua.Header{{Name: "P-Asserted-Identity", Value: `"R" <` + asserted + `>`}}, asserted},
		"not trusted": {[]string{elsewhere}, []sipua.Header{{Name: "P-Asserted-Identity", Value: "<" + asserted + ">"}}, "sip:alice@example.com"},
		"tel first":   {everywhere, []sipua.Header{{Name: "P-Asserted-Identity", Value: "<tel:+1234>, <" + asserted + ">"}}, asserted},
		"private": {everywhere, []sipua.Header{{Name: "P-Asserted-Identity", Value: "<" + asserted + ">"}, {Name: "Privacy", Value: "id"}},
			"sip:alice@example.com"},
		"none": {everywhere, nil, "sip:alice@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			ms, c, ctx := newFakeMS(t), newCaller(t), testContext(t)
			s := startAS(t, func(c *Config) { c.Access.Trusted = tc.trusted }, ms)
			call, err := c.ua.Invite(ctx, sipua.InviteRequest{
				URI: "sip:bob@example.com", From: "sip:alice@example.com", To: "sip:bob@example.com", Destination: s.Addr(),
				Body: []byte(testOffer), ContentType: sdpType, Header: tc.headers,
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := call.Ack(ctx, nil, ""); err != nil {
				t.Error(err)
			}
			var pairs []Pair
			err = s.dir.Each(func(p Pair) error { pairs = append(pairs, p); return nil })
			if err != nil || len(pairs) != 1 || pairs[0].Sender != tc.want {
				t.Errorf("kept for %+v, %v; want %s", pairs, err, tc.want)
			}
		})
	}
}
