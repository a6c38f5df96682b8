package access

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gomscp/gomscp/sipua"
)

const (
	// maxUserLine bounds one line of a file of users, in bytes.
	maxUserLine = 4 << 10
	// maxUsers bounds the users of a file.
	maxUsers = 1_000_000
)

// A userFile has those who may call with digest credentials. It is text, a user
// and hash a line:
//
//	user:realm:HA1
//	user:realm:HA1:uri uri …
//
// HA1 is the MD5 or, better, the SHA-256 of "user:realm:password", in
// hexadecimal; its length tells which. A user may have a line for each. The URIs
// are those that may stand in From, sip:user@realm if there are none. Empty
// lines, and those that begin with #, are skipped. What htdigest writes is of
// this form.
type userFile struct {
	users map[string]*digestUser
	// algorithms are those that every user has a hash for, the best first: a
	// client answers the first challenge that it knows. See RFC 8760, section 2.4.
	algorithms []string
}

type digestUser struct {
	ha1  map[string]string // by algorithm
	uris map[string]bool   // canonical, scheme sip
}

func loadUsers(path, realm string) (*userFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	u, err := readUsers(f, realm)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return u, nil
}

func readUsers(r io.Reader, realm string) (*userFile, error) {
	u := &userFile{users: map[string]*digestUser{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxUserLine), maxUserLine)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := u.add(line, realm); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if len(u.users) > maxUsers {
			return nil, fmt.Errorf("line %d: more than %d users", n, maxUsers)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return u, u.choose()
}

// add takes one line. Its errors do not show the hash.
func (u *userFile) add(line, realm string) error {
	parts := strings.SplitN(line, ":", 4)
	if len(parts) < 3 || parts[0] == "" {
		return fmt.Errorf("not of the form user:realm:HA1")
	}
	name, hash := parts[0], strings.ToLower(parts[2])
	if parts[1] != realm {
		return fmt.Errorf("the realm %q is not that of access.realm, %q", parts[1], realm)
	}
	algorithm := map[int]string{32: "MD5", 64: "SHA-256"}[len(hash)]
	if _, err := hex.DecodeString(hash); err != nil || algorithm == "" {
		return fmt.Errorf("HA1 is neither an MD5 (32 hexadecimal digits) nor a SHA-256 (64)")
	}
	user := u.users[name]
	if user == nil {
		user = &digestUser{ha1: map[string]string{}, uris: map[string]bool{}}
		u.users[name] = user
	}
	if user.ha1[algorithm] != "" {
		return fmt.Errorf("a second %s of %q", algorithm, name)
	}
	user.ha1[algorithm] = hash
	uris := []string{"sip:" + name + "@" + realm}
	if len(parts) == 4 {
		uris = strings.Fields(parts[3])
	}
	for _, uri := range uris {
		canonical, err := sipua.CanonicalURI(uri)
		if err != nil {
			return fmt.Errorf("%q: %w", uri, err)
		}
		user.uris[plainScheme(canonical)] = true
	}
	return nil
}

func (u *userFile) choose() error {
	for _, algorithm := range []string{"SHA-256", "MD5"} {
		all := true
		for _, user := range u.users {
			all = all && user.ha1[algorithm] != ""
		}
		if all {
			u.algorithms = append(u.algorithms, algorithm)
		}
	}
	if len(u.algorithms) == 0 {
		return fmt.Errorf("some users have an MD5 only, some a SHA-256 only; one of them is needed for all")
	}
	return nil
}

// secret is what an Authenticator looks up.
func (u *userFile) secret(name string) (sipua.Secret, bool) {
	user := u.users[name]
	if user == nil {
		return sipua.Secret{}, false
	}
	return sipua.Secret{HA1: user.ha1}, true
}

// owns tells whether a user may call with that canonical URI in From.
func (u *userFile) owns(name, from string) bool {
	user := u.users[name]
	return user != nil && user.uris[plainScheme(from)]
}

// plainScheme is a canonical URI with sip for sips, which names the same user.
func plainScheme(uri string) string {
	if rest, ok := strings.CutPrefix(uri, "sips:"); ok {
		return "sip:" + rest
	}
	return uri
}
