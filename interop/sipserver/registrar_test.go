package sipserver

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestBindings sends REGISTERs one after the other and checks what is left.
func TestBindings(t *testing.T) {
	s := newServer(t, Config{})
	phone := newUDP(t)
	one, two := "Contact: <sip:bob@127.0.0.1:1001>", "Contact: <sip:bob@127.0.0.1:1002>"
	for i, x := range []struct {
		name  string
		extra []string
		want  string
		left  []string
	}{
		{"one", []string{one}, "200", []string{"sip:bob@127.0.0.1:1001"}},
		{"another", []string{two}, "200", []string{"sip:bob@127.0.0.1:1001", "sip:bob@127.0.0.1:1002"}},
		{"refresh", []string{one}, "200", []string{"sip:bob@127.0.0.1:1002", "sip:bob@127.0.0.1:1001"}},
		{"ask", []string{"Contact:"}, "200", []string{"sip:bob@127.0.0.1:1002", "sip:bob@127.0.0.1:1001"}},
		{"remove by parameter", []string{two + ";expires=0"}, "200", []string{"sip:bob@127.0.0.1:1001"}},
		{"star without Expires", []string{"Contact: *"}, "400", []string{"sip:bob@127.0.0.1:1001"}},
		{"star with Expires of more", []string{"Contact: *", "Expires: 60"}, "400", []string{"sip:bob@127.0.0.1:1001"}},
		{"two in a line", []string{two + ", <sip:bob@127.0.0.1:1003>", "Expires: 60"}, "200", []string{"sip:bob@127.0.0.1:1001", "sip:bob@127.0.0.1:1002", "sip:bob@127.0.0.1:1003"}},
		{"too many", []string{manyContacts()}, "503", []string{"sip:bob@127.0.0.1:1001", "sip:bob@127.0.0.1:1002", "sip:bob@127.0.0.1:1003"}},
		{"all", []string{"Contact: *", "Expires: 0"}, "200", nil},
		{"again", []string{one, "Expires: 60"}, "200", []string{"sip:bob@127.0.0.1:1001"}},
		{"remove by header", []string{one, "Expires: 0"}, "200", nil},
	} {
		got := phone.register(s, "bob", "reg", i+1, x.extra...)
		if !strings.HasPrefix(got, "SIP/2.0 "+x.want+" ") {
			t.Errorf("%s: got\n%s", x.name, got)
		}
		if left := s.Registered("sip:bob@example.com"); !slices.Equal(left, x.left) {
			t.Errorf("%s: left are %v, want %v", x.name, left, x.left)
		}
		if x.want == "200" && len(headers(got, "Contact")) != len(x.left) {
			t.Errorf("%s: Contact %q", x.name, headers(got, "Contact"))
		}
	}
}

// manyContacts is a Contact header with more contacts than a user may have.
func manyContacts() string {
	var list []string
	for i := range maxContacts + 1 {
		list = append(list, fmt.Sprintf("<sip:bob@127.0.0.1:%d>", 2000+i))
	}
	return "Contact: " + strings.Join(list, ", ")
}

// TestOverdueRegister checks that a REGISTER which a later one has overtaken
// undoes nothing.
func TestOverdueRegister(t *testing.T) {
	s := newServer(t, Config{})
	phone := newUDP(t)
	phone.register(s, "bob", "reg", 5)
	if got := phone.register(s, "bob", "reg", 4, "Expires: 0"); !strings.HasPrefix(got, "SIP/2.0 500 ") {
		t.Errorf("got %s", got)
	}
	if len(s.Registered("bob")) != 1 {
		t.Error("the contact is gone")
	}
	if got := phone.register(s, "bob", "after-a-restart", 1, "Expires: 0"); !strings.HasPrefix(got, "SIP/2.0 200 ") || len(s.Registered("bob")) != 0 {
		t.Errorf("got %s", got)
	}
}

// TestForeignDomain checks that nobody of another domain is registered.
func TestForeignDomain(t *testing.T) {
	s := newServer(t, Config{})
	phone := newUDP(t)
	if got := phone.register(s, "bob", "reg", 1, "To: <sip:bob@example.org>"); !strings.HasPrefix(got, "SIP/2.0 404 ") {
		t.Errorf("got %s", got)
	}
	if got := phone.register(s, "bob", "reg", 2, "To: <sip:bob@EXAMPLE.com>"); !strings.HasPrefix(got, "SIP/2.0 200 ") {
		t.Errorf("got %s", got)
	}
}

// TestContactWithoutPort checks that it is reached at the default port.
func TestContactWithoutPort(t *testing.T) {
	s := newServer(t, Config{})
	phone := newUDP(t)
	phone.register(s, "bob", "reg", 1, "Contact: <sip:bob@127.0.0.1>")
	s.mu.Lock()
	contact := s.bindings["bob"][0].contact
	s.mu.Unlock()
	if got := hostPort(&contact); got != "127.0.0.1:5060" {
		t.Errorf("got %s", got)
	}
}

// TestDigest computes responses by hand.
func TestDigest(t *testing.T) {
	hashes := map[string]func(string) string{
		"MD5":     func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) },
		"SHA-256": func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) },
	}
	s := newServer(t, Config{Users: map[string]string{"bob": "secret", "carol": "other"}})
	phone := newUDP(t)
	seq := 0
	try := func(extra ...string) string {
		seq++
		return phone.register(s, "bob", "reg", seq, extra...)
	}
	first := try()
	asked := headers(first, "WWW-Authenticate")
	if !strings.HasPrefix(first, "SIP/2.0 401 ") || len(asked) != 2 ||
		!strings.Contains(asked[0], "SHA-256") || !strings.Contains(asked[1], "MD5") {
		t.Fatalf("got %s", first)
	}
	_, nonce, _ := strings.Cut(asked[0], `nonce="`)
	nonce, _, _ = strings.Cut(nonce, `"`)
	used := 0 // counts of the nonce
	credentials := func(algorithm, user, password, nonce string, nc int) string {
		h := hashes[algorithm]
		response := h(h(user+":example.com:"+password) + ":" + nonce + fmt.Sprintf(":%08x:abc:auth:", nc) + h("REGISTER:sip:example.com"))
		return fmt.Sprintf(`Authorization: Digest username="%s", realm="example.com", nonce="%s", uri="sip:example.com", `+
			`response="%s", algorithm=%s, cnonce="abc", qop=auth, nc=%08x`, user, nonce, response, algorithm, nc)
	}
	foreign := `Authorization: Digest username="bob", realm="elsewhere", nonce="x", uri="sip:x", response="0"`
	next := func(algorithm, user, password string) string {
		used++
		return credentials(algorithm, user, password, nonce, used)
	}
	for _, x := range []struct {
		name  string
		extra []string
		want  string
		stale bool
	}{
		{"MD5", []string{next("MD5", "bob", "secret")}, "200", false},
		{"SHA-256", []string{next("SHA-256", "bob", "secret")}, "200", false},
		{"behind another realm's", []string{foreign + "\r\n" + next("SHA-256", "bob", "secret")}, "200", false},
		{"wrong password", []string{next("MD5", "bob", "wrong")}, "401", false},
		{"somebody else", []string{next("MD5", "carol", "other")}, "403", false},
		{"nobody", []string{next("MD5", "dave", "")}, "401", false},
		{"stale", []string{credentials("SHA-256", "bob", "secret", nonce, 1)}, "401", true},
		{"made up", []string{credentials("SHA-256", "bob", "secret", "1.2", 1)}, "401", false},
		{"no digest", []string{"Authorization: Basic Ym9iOnNlY3JldA=="}, "401", false},
		{"another algorithm", []string{strings.Replace(next("MD5", "bob", "secret"), "algorithm=MD5", "algorithm=SHA-512", 1)}, "401", false},
	} {
		got := try(x.extra...)
		if !strings.HasPrefix(got, "SIP/2.0 "+x.want+" ") || strings.Contains(got, "stale=true") != x.stale {
			t.Errorf("%s: got\n%s", x.name, got)
		}
	}
}
