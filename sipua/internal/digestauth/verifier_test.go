package digestauth

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
)

// TestDigestVectors takes the example of RFC 7616, section 3.9.1, with either
// algorithm and with either form of the secret, and changes a bit of each part.
func TestDigestVectors(t *testing.T) {
	ha1 := md5.Sum([]byte("Mufasa:http-auth@example.org:Circle of Life"))
	const example = `Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=%s, ` +
		`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", ` +
		`qop=auth, response="%s", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`
	for _, tc := range []struct {
		algorithm, response string
		secret              Secret
	}{
		{"MD5", "8ca523f5e9506fed4657c9700eebdbec", Secret{Password: "Circle of Life"}},
		{"MD5", "8CA523F5E9506FED4657C9700EEBDBEC", Secret{HA1: map[string]string{"MD5": hex.EncodeToString(ha1[:])}}},
		{"SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", Secret{Password: "Circle of Life"}},
	} {
		header := fmt.Sprintf(example, tc.algorithm, tc.response)
		c, err := digest.ParseCredentials(header)
		if err != nil {
			t.Fatal(err)
		}
		if !responseIs("GET", c, tc.algorithm, tc.secret) {
			t.Errorf("%s: the example's response is refused", tc.algorithm)
		}
		if responseIs("PUT", c, tc.algorithm, tc.secret) || responseIs("GET", c, tc.algorithm, Secret{Password: "circle of life"}) || responseIs("GET", c, tc.algorithm, Secret{}) {
			t.Errorf("%s: taken for another method or secret", tc.algorithm)
		}
		for _, part := range []string{"Mufasa", "http-auth", "/dir", "7ypf", "00000001", "f2/wE", tc.response[:4]} {
			if tc.secret.HA1 != nil && (part == "Mufasa" || part == "http-auth") {
				continue // the hash stands for them
			}
			c, err := digest.ParseCredentials(strings.Replace(header, part, part[:len(part)-1]+"2", 1))
			if err != nil {
				t.Fatal(err)
			}
			if responseIs("GET", c, tc.algorithm, tc.secret) {
				t.Errorf("%s: taken with another %s", tc.algorithm, part)
			}
		}
	}
}

// alice is a user who is known by her password, or by its MD5 hash only.
func alice(user string) (Secret, bool) {
	switch user {
	case "alice":
		return Secret{Password: "wonderland"}, true
	case "hashed":
		h := md5.Sum([]byte("hashed:example.com:wonderland"))
		return Secret{HA1: map[string]string{"MD5": hex.EncodeToString(h[:])}}, true
	}
	return Secret{}, false
}

// credentialed returns an Authorization header with credentials for a nonce.
func credentialed(t *testing.T, nonce, algorithm, user, password, uri string, nc int) string {
	t.Helper()
	challenge := &digest.Challenge{Realm: "example.com", Nonce: nonce, Algorithm: algorithm}
	if nc > 0 {
		challenge.QOP = []string{"auth"}
	}
	c, err := digest.Digest(challenge, digest.Options{Method: "REGISTER", URI: uri, Username: user, Password: password, Count: nc})
	if err != nil {
		t.Fatal(err)
	}
	return c.String()
}

// TestNonces uses nonces again, out of order, too late, and of somebody else's.
func TestNonces(t *testing.T) {
	a := NewVerifier(Config{Realm: "example.com", Lookup: alice, Algorithms: []string{"SHA-256", "MD5"}, NonceLife: time.Minute, MaxNonces: 100})
	now := time.Unix(1_000_000, 0)
	a.now = func() time.Time { return now }
	nonce, plain, late := a.newNonce(), a.newNonce(), a.newNonce()
	forged := NewVerifier(Config{}).newNonce()
	const uri = "sip:example.com"
	for i, tc := range []struct {
		name      string
		nonce     string
		algorithm string
		user      string
		uri       string
		nc        int
		after     time.Duration
		want      string // user, or the code of the answer and its stale
	}{
		{"good", nonce, "SHA-256", "alice", uri, 1, 0, "alice"},
		{"again", nonce, "SHA-256", "alice", uri, 1, 0, "401 true"},
		{"third before second", nonce, "MD5", "alice", uri, 3, 0, "alice"},
		{"second after third", nonce, "MD5", "alice", uri, 2, 0, "alice"},
		{"second again", nonce, "MD5", "alice", uri, 2, 0, "401 true"},
		{"far ahead", nonce, "", "alice", uri, 1000, 0, "alice"},
		{"far behind", nonce, "", "alice", uri, 900, 0, "401 true"},
		{"by the hash", nonce, "MD5", "hashed", uri, 1001, 0, "hashed"},
		{"of no hash", nonce, "SHA-256", "hashed", uri, 1002, 0, "401 false"},
		{"unknown user", nonce, "SHA-256", "bob", uri, 1003, 0, "401 false"},
		{"algorithm not offered", nonce, "SHA-512-256", "alice", uri, 1004, 0, "401 false"},
		{"not counted", plain, "MD5", "alice", uri, 0, 0, "alice"},
		{"not counted, again", plain, "MD5", "alice", uri, 0, 0, "401 true"},
		{"the same URI in other letters", nonce, "MD5", "alice", "SIP:EXAMPLE.com:5060", 1005, 0, "alice"},
		{"another URI", nonce, "MD5", "alice", "sip:example.org", 1006, 0, "400 false"},
		{"forged nonce", forged, "SHA-256", "alice", uri, 1, 0, "401 false"},
		{"altered nonce", nonce + "A", "SHA-256", "alice", uri, 1100, 0, "401 false"},
		{"empty nonce", "", "SHA-256", "alice", uri, 1, 0, "401 false"},
		{"no nonce", "abc", "SHA-256", "alice", uri, 1, 0, "401 false"},
		{"within its life", late, "SHA-256", "alice", uri, 1, time.Minute, "alice"},
		{"beyond its life", late, "SHA-256", "alice", uri, 2, time.Second, "401 true"},
	} {
		now = now.Add(tc.after)
		request := Request{Method: "REGISTER", URI: "sip:example.com"}
		got, err := a.Verify([]string{credentialed(t, tc.nonce, tc.algorithm, tc.user, "wonderland", tc.uri, tc.nc)}, request)
		switch {
		case errors.Is(err, ErrWrongURI):
			got = "400 false"
		case err != nil:
			challenges := a.Challenges(errors.Is(err, ErrStale))
			got = fmt.Sprint(401, " ", strings.Contains(challenges[0], "stale=true"))
			if len(challenges) != 2 {
				t.Errorf("%s: %d challenges", tc.name, len(challenges))
			}
		}
		if got != tc.want {
			t.Errorf("%d, %s: got %s, want %s", i, tc.name, got, tc.want)
		}
	}
}

// TestNonceTableIsBounded uses more nonces than the table keeps: what it has
// forgotten is not taken again.
func TestNonceTableIsBounded(t *testing.T) {
	table := nonceTable{limit: 10}
	at := func(i int) time.Time { return time.Unix(int64(i), 0) }
	for i := 1; i <= 100; i++ {
		if !table.use(fmt.Sprint(i), 1, at(i), time.Time{}) {
			t.Errorf("nonce %d was not taken", i)
		}
		if len(table.used) > 10 || len(table.oldest) != len(table.used) {
			t.Fatalf("%d nonces are kept", len(table.used))
		}
	}
	for i := 1; i <= 100; i++ {
		if table.use(fmt.Sprint(i), 1, at(i), time.Time{}) {
			t.Errorf("nonce %d was taken again", i)
		}
		if got := table.use(fmt.Sprint(i), 2, at(i), time.Time{}); got != (i > 90) {
			t.Errorf("second count of nonce %d: %v", i, got)
		}
	}
	if !table.use("new", 1, at(200), at(150)) || len(table.used) != 1 {
		t.Errorf("%d nonces are kept though all but one have expired", len(table.used))
	}
}
