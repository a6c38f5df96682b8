package digestauth

import (
	"strings"
	"testing"

	"github.com/icholy/digest"
)

// TestCredentialsAsOthersSendThem has clients write credentials in forms that servers
// read. They are those of RFC 7616, section 3.9.1, in MD5.
func TestCredentialsAsOthersSendThem(t *testing.T) {
	const plain = `Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=MD5, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, ` +
		`response="8ca523f5e9506fed4657c9700eebdbec", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	want, err := ParseCredentials(plain)
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
		got, err := ParseCredentials(value)
		if err != nil || *got != *want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, value := range map[string]string{
		"": "", "scheme": "Basic QWxhZGRpbg==", "no scheme": `username="x"`, "quote": `Digest username="x`, "nc": "Digest nc=z", "nc too large": "Digest nc=fffffffff", "no name": "Digest =",
	} {
		if c, err := ParseCredentials(value); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// FuzzParse holds that what icholy/digest writes is read as it was.
func FuzzParse(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n", qop="auth,auth-int"`, "r", "n")
	f.Add(`Digest`+"\t"+`REALM="a\"b",, foo, Basic realm=x`, `a"b`, `\`)
	f.Add(`="`, "", "")
	f.Fuzz(func(t *testing.T, value, realm, nonce string) {
		all, err := parse(value)
		if (err == nil) != (len(all) > 0) {
			t.Fatalf("%v, %v", all, err)
		}
		_, _ = ParseChallenge(value)
		_, _ = ParseCredentials(value)
		if strings.ContainsFunc(realm+nonce, func(r rune) bool { return r < ' ' || r >= 0x7f }) || nonce == "" {
			return // the writer escapes these as Go does
		}
		c := digest.Challenge{Realm: realm, Nonce: nonce, QOP: []string{"auth"}, Algorithm: "SHA-256", Stale: true}
		if got, err := ParseChallenge(c.String()); err != nil || got.Realm != realm || got.Nonce != nonce || !got.Stale {
			t.Fatalf("%s: %+v, %v", c.String(), got, err)
		}
	})
}
