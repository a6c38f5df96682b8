package sipua

import (
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"github.com/icholy/digest"
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
					URI: "sip:peer@" + p.addr(), From: "sip:alice@example.com", To: "sip:peer@example.com", Password: "secret",
				})
				done <- err
			}()
			first := p.next("INVITE")
			p.send(ua.Addr(), p.response(first, "401 Unauthorized", "r", tc.header+"\r\n"))
			second := p.next("INVITE")
			for field(second, "CSeq") == field(first, "CSeq") {
				second = p.next("INVITE")
			}
			p.send(ua.Addr(), p.response(second, "486 Busy Here", "r", ""))
			<-done
			c, err := digest.ParseCredentials(field(second, "Authorization")) // ours are plain
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

// TestCredentialsAsOthersSendThem has clients write credentials in forms that servers
// read. They are those of RFC 7616, section 3.9.1, in MD5.
func TestCredentialsAsOthersSendThem(t *testing.T) {
	const plain = `Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=MD5, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, ` +
		`response="8ca523f5e9506fed4657c9700eebdbec", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	want, err := ReadCredentials(plain)
	if err != nil || want.Username != "Mufasa" || want.Nc != 1 || want.QOP != "auth" || want.URI != "/dir/index.html" || want.Response != "8ca523f5e9506fed4657c9700eebdbec" {
		t.Fatalf("%+v, %v", want, err)
	}
	for name, value := range map[string]string{
		"upper-case names":  strings.NewReplacer("username", "USERNAME", "nonce=", "Nonce=", "nc=", "NC=", "qop", "QoP").Replace(plain),
		"HTABs":             strings.ReplaceAll(plain, " ", "\t"),
		"trailing comma":    plain + " ,",
		"empty elements":    strings.ReplaceAll(plain, ", ", ",,"),
		"unknown parameter": plain + `, x="y, z", foo, auth-param=1`,
		"quoted qop":        strings.Replace(plain, "qop=auth", `qop="auth"`, 1),
		"quoted nc":         strings.Replace(plain, "nc=00000001", `nc="00000001"`, 1),
		"escapes":           strings.Replace(plain, "Mufasa", `Mu\fasa`, 1),
	} {
		got, err := ReadCredentials(value)
		if err != nil || *got != *want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, value := range map[string]string{
		"": "", "scheme": "Basic QWxhZGRpbg==", "no scheme": `username="x"`, "quote": `Digest username="x`, "nc": "Digest nc=z", "nc too large": "Digest nc=fffffffff", "no name": "Digest =",
	} {
		if c, err := ReadCredentials(value); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// FuzzReadAuth holds that what icholy/digest writes is read as it was.
func FuzzReadAuth(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n", qop="auth,auth-int"`, "r", "n")
	f.Add(`Digest`+"\t"+`REALM="a\"b",, foo, Basic realm=x`, `a"b`, `\`)
	f.Add(`="`, "", "")
	f.Fuzz(func(t *testing.T, value, realm, nonce string) {
		all, err := readAuth(value)
		if (err == nil) != (len(all) > 0) {
			t.Fatalf("%v, %v", all, err)
		}
		_, _ = usableChallenge(value)
		_, _ = ReadCredentials(value)
		if strings.ContainsFunc(realm+nonce, func(r rune) bool { return r < ' ' || r >= 0x7f }) || nonce == "" {
			return // the writer escapes these as Go does
		}
		c := digest.Challenge{Realm: realm, Nonce: nonce, QOP: []string{"auth"}, Algorithm: "SHA-256", Stale: true}
		if got, err := usableChallenge(c.String()); err != nil || got.Realm != realm || got.Nonce != nonce || !got.Stale {
			t.Fatalf("%s: %+v, %v", c.String(), got, err)
		}
	})
}
