package access

import (
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// Config says whose requests are taken, and whose word on who calls.
type Config struct {
	Peers   []string `yaml:"peers"`
	Trusted []string `yaml:"trusted"`
	Users   string   `yaml:"users"`
	Realm   string   `yaml:"realm"`
}

// Rules are a Config that was read, with its file of users. They are not changed once made.
type Rules struct {
	peers, trusted daemon.Peers
	users          *userFile            // nil without
	ask            *sipua.Authenticator // nil without users
}

// NewRules reads a configuration. An error names the key that it is about.
func NewRules(c Config) (*Rules, error) {
	a := &Rules{}
	var err error
	if a.peers, err = daemon.ParsePeers(c.Peers); err != nil {
		return nil, fmt.Errorf("access.peers: %w", err)
	}
	if a.trusted, err = daemon.ParsePeers(c.Trusted); err != nil {
		return nil, fmt.Errorf("access.trusted: %w", err)
	}
	if c.Users == "" {
		if a.peers.Empty() && a.trusted.Empty() {
			return nil, fmt.Errorf("access.peers: with neither access.trusted nor access.users, nobody could call")
		}
		return a, nil
	}
	if c.Realm == "" || strings.ContainsAny(c.Realm, "\":\r\n") {
		return nil, fmt.Errorf("access.realm: %q is not the realm of access.users: it is needed, and has no colon or quote", c.Realm)
	}
	if a.users, err = loadUsers(c.Users, c.Realm); err != nil {
		return nil, fmt.Errorf("access.users: %w", err)
	}
	// Behind a proxy, the Request-URI may be another than that of the credentials.
	a.ask = sipua.NewAuthenticator(sipua.AuthConfig{
		Realm: c.Realm, Lookup: a.users.secret, Algorithms: a.users.algorithms, AnyURI: true,
	})
	return a, nil
}

// vouches tells whether a certificate is one for the From: it names that user, or
// the domain. See RFC 5922, section 7.1.
func vouches(names []string, from *sip.FromHeader) bool {
	if from == nil {
		return false
	}
	uri, err := sipua.CanonicalURI(from.Address.String())
	if err != nil {
		return false
	}
	user := plainScheme(uri)
	domain := strings.Trim(from.Address.Host, "[]")
	for _, name := range names {
		if scheme, rest, ok := strings.Cut(name, ":"); ok && strings.EqualFold(scheme, "sip") {
			if !strings.Contains(rest, "@") {
				name = rest
			} else if own, err := sipua.CanonicalURI(name); err == nil && own == user {
				return true
			}
		}
		if strings.EqualFold(strings.TrimSuffix(name, "."), domain) {
			return true
		}
	}
	return false
}
