package access

import (
	"fmt"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

func TestUsersFile(t *testing.T) {
	const md5Hash, shaHash = "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789abcdef"
	for name, tc := range map[string]struct {
		text, algorithms, want string // want is of the error
	}{
		"empty":        {"\n# nobody\n", "[SHA-256 MD5]", ""},
		"both":         {"a:r:" + md5Hash + "\na:r:" + shaHash, "[SHA-256 MD5]", ""},
		"all have MD5": {"a:r:" + md5Hash + "\na:r:" + shaHash + "\nb:r:" + md5Hash, "[MD5]", ""},
		"none for all": {"a:r:" + md5Hash + "\nb:r:" + shaHash, "", "one of them is needed for all"},
		"realm":        {"\na:other:" + md5Hash, "", "line 2: the realm"},
		"no hash":      {"a:r:password", "", "line 1: HA1"},
		"no colons":    {"a", "", "line 1: not of the form"},
		"twice":        {"a:r:" + md5Hash + "\na:r:" + md5Hash, "", "line 2: a second MD5"},
		"bad URI":      {"a:r:" + md5Hash + ":nonsense", "", "nonsense"},
		"long line":    {strings.Repeat("a", 2*maxUserLine), "", "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := readUsers(strings.NewReader(tc.text), "r")
			if tc.want == "" {
				if err != nil || fmt.Sprint(u.algorithms) != tc.algorithms {
					t.Errorf("%v, %v", u, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), md5Hash) {
				t.Errorf("%v, want something about %q", err, tc.want)
			}
		})
	}
}

func FuzzUsers(f *testing.F) {
	f.Add("a:r:0123456789abcdef0123456789abcdef:sip:a@b sips:c@d")
	f.Add("#\n\na:r:x")
	f.Fuzz(func(t *testing.T, text string) {
		u, err := readUsers(strings.NewReader(text), "r")
		if err != nil {
			return
		}
		for name := range u.users {
			if s, ok := u.secret(name); !ok || len(s.HA1) == 0 || s.Password != "" {
				t.Errorf("%q has no hash", name)
			}
		}
	})
}

func TestCertificateVouchesForFrom(t *testing.T) {
	for name, tc := range map[string]struct {
		names []string
		from  string
		want  bool
	}{
		"domain":         {[]string{"example.com"}, "sip:alice@example.com", true},
		"domain's URI":   {[]string{"sip:Example.com"}, "sips:alice@example.com", true},
		"another domain": {[]string{"example.org"}, "sip:alice@example.com", false},
		"subdomain":      {[]string{"example.com"}, "sip:alice@sub.example.com", false},
		"user":           {[]string{"sip:alice@example.com"}, "sip:alice@example.com", true},
		"another user":   {[]string{"sip:bob@example.com"}, "sip:alice@example.com", false},
		"second name":    {[]string{"example.org", "example.com"}, "sip:alice@example.com", true},
		"none":           {nil, "sip:alice@example.com", false},
	} {
		var uri sip.Uri
		if err := sip.ParseUri(tc.from, &uri); err != nil {
			t.Fatal(err)
		}
		if got := vouches(tc.names, &sip.FromHeader{Address: uri}); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
