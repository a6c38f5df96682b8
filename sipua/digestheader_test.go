package sipua

import (
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"github.com/icholy/digest"

	"github.com/gomscp/gomscp/internal/testutil"
)

func hash(parts ...string) string {
	return fmt.Sprintf("%x", md5.Sum([]byte(strings.Join(parts, ":"))))
}

// TestChallengesAsOthersSendThem has a registrar challenge in forms that other clients
// read: the response is the one of RFC 7616, section 3.4.1, computed here by hand.
func TestChallengesAsOthersSendThem(t *testing.T) {
	for name, tc := range map[string]struct {
		header, realm, nonce string
		qop                  bool
	}{
		"upper-case names":            {`WWW-Authenticate: Digest REALM="r", NONCE="n1", QOP="auth"`, "r", "n1", true},
		"HTAB behind the scheme":      {"WWW-Authenticate: Digest\trealm=\"r\",\tnonce=\"n1\"", "r", "n1", false},
		"trailing comma":              {`WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth",`, "r", "n1", true},
		"empty elements":              {`WWW-Authenticate: Digest ,realm="r",, nonce="n1"`, "r", "n1", false},
		"parameter without a value":   {`WWW-Authenticate: Digest realm="r", foo, nonce="n1", bar`, "r", "n1", false},
		"unknown parameter":           {`WWW-Authenticate: Digest realm="r", x_y="a, b\"", nonce="n1"`, "r", "n1", false},
		"folded":                      {"WWW-Authenticate: Digest realm=\"r\",\r\n nonce=\"n1\"\r\n\t, qop=\"auth\"", "r", "n1", true},
		"blanks around =":             {`WWW-Authenticate: digest realm = "r" , nonce	=	"n1"`, "r", "n1", false},
		"no quotes":                   {`WWW-Authenticate: DIGEST realm=r, nonce=n1/+=, qop=auth`, "r", "n1/+=", true},
		"comma and = in quotes":       {`WWW-Authenticate: Digest realm="a, b=c", nonce="n,1"`, "a, b=c", "n,1", false},
		"list of qop":                 {`WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth-int , AUTH"`, "r", "n1", true},
		"unknown qop beside it":       {`WWW-Authenticate: Digest realm="r", nonce="n1", qop="x,auth"`, "r", "n1", true},
		"empty qop":                   {`WWW-Authenticate: Digest realm="r", nonce="n1", qop=""`, "r", "n1", false},
		"algorithm in lower case":     {`WWW-Authenticate: Digest realm="r", nonce="n1", algorithm="md5"`, "r", "n1", false},
		"another scheme before it":    {"WWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"", "r", "n1", false},
		"two challenges in one row":   {`WWW-Authenticate: Basic realm="x", Digest realm="r", nonce="n1"`, "r", "n1", false},
		"unknown algorithm before it": {"WWW-Authenticate: Digest realm=\"r\", nonce=\"n0\", algorithm=AKAv1-MD5\r\nwww-authenticate: Digest realm=\"r\", nonce=\"n1\"", "r", "n1", false},
		"malformed row before it":     {"WWW-Authenticate: Digest realm=\"r\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"", "r", "n1", false},
		"incomplete row before it":    {"WWW-Authenticate: Digest realm=\"r\"\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n1\"", "r", "n1", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newRawPeer(t)
			ua := newUA(t, Handlers{})
			done := make(chan error, 1)
			go func() {
				_, err := ua.Invite(testContext(t), InviteRequest{
					URI: "sip:peer@" + p.Addr(), From: "sip:alice@example.com", To: "sip:peer@example.com", Password: "secret",
				})
				done <- err
			}()
			first := p.next("INVITE")
			p.Send(ua.Addr(), p.response(first, "401 Unauthorized", "r", tc.header+"\r\n"))
			second := p.next("INVITE")
			for testutil.Field(second, "CSeq") == testutil.Field(first, "CSeq") {
				second = p.next("INVITE")
			}
			p.Send(ua.Addr(), p.response(second, "486 Busy Here", "r", ""))
			<-done
			c, err := digest.ParseCredentials(testutil.Field(second, "Authorization")) // ours are plain
			if err != nil {
				t.Fatal(err)
			}
			uri := strings.Fields(second)[1]
			want := hash(hash("alice", tc.realm, "secret"), tc.nonce, hash("INVITE", uri))
			if tc.qop {
				want = hash(hash("alice", tc.realm, "secret"), tc.nonce, "00000001", c.Cnonce, "auth", hash("INVITE", uri))
			}
			if c.Response != want || c.Realm != tc.realm || c.Nonce != tc.nonce || (c.QOP == "auth") != tc.qop || c.URI != uri {
				t.Errorf("the credentials are %+v, want the response %s", c, want)
			}
		})
	}
}
