package as

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/as/internal/control"
	"github.com/gomscp/gomscp/as/internal/presence"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// DefaultYAML is the commented configuration file with every key at its
// default.
//
//go:embed default.yaml
var DefaultYAML []byte

// Config is the application server's configuration, as read from YAML.
// DefaultYAML documents each key.
type Config struct {
	Name              string              `yaml:"name"`
	SIP               SIPConfig           `yaml:"sip"`
	TLS               daemon.TLSConfig    `yaml:"tls"`
	Access            AccessConfig        `yaml:"access"`
	Limits            LimitsConfig        `yaml:"limits"`
	MediaServers      []MediaServerConfig `yaml:"media_servers"`
	Recipient         string              `yaml:"recipient"`
	OutboundProxy     string              `yaml:"outbound_proxy"`
	Presence          PresenceConfig      `yaml:"presence"`
	Directory         string              `yaml:"directory"`
	Inventory         string              `yaml:"inventory"`
	InventoryInterval time.Duration       `yaml:"inventory_interval"`
	Store             StoreConfig         `yaml:"store"`
	Push              PushConfig          `yaml:"push"`
	Control           ControlConfig       `yaml:"control"`
	Log               LogConfig           `yaml:"log"`
	Drain             time.Duration       `yaml:"drain"`
	Admin             string              `yaml:"admin"`
	AdminHosts        []string            `yaml:"admin_hosts"`
	Trace             string              `yaml:"trace"`

	// Network makes the sockets for SIP and MSCP; the zero value is that of package net.
	Network sipua.Network `yaml:"-"`
}

// AccessConfig says whose requests are taken, and whose word on who calls.
type AccessConfig = access.Config

// LimitsConfig bounds what callers can take; 0 means no limit. Rates are in calls a second,
// bursts and the others in calls, Memory is in bytes.
type LimitsConfig = access.Limits

// SIPConfig says where the server takes SIP.
type SIPConfig struct {
	Listen                   string        `yaml:"listen"`
	User                     string        `yaml:"user"`
	TLSListen                string        `yaml:"tls_listen"`
	RequireClientCertificate bool          `yaml:"require_client_certificate"`
	SessionExpires           time.Duration `yaml:"session_expires"`
}

// MediaServerConfig names one media server and its weight in the balancing.
type MediaServerConfig struct {
	URI    string `yaml:"uri"`
	Weight int    `yaml:"weight"`
	Name   string `yaml:"name"`
	Drain  bool   `yaml:"drain"`
}

// PresenceConfig says how the server learns who is reachable.
type PresenceConfig = presence.Settings

// StoreConfig is about the set-up of store sessions.
type StoreConfig struct {
	RestoreWait   time.Duration `yaml:"restore_wait"`
	InviteTimeout time.Duration `yaml:"invite_timeout"`
	RetryAfter    time.Duration `yaml:"retry_after"`
	FailureRest   time.Duration `yaml:"failure_rest"`
	MaxDuration   time.Duration `yaml:"max_duration"`
	MaxRecipients int           `yaml:"max_recipients"`
}

// PushConfig holds the waits of a push session.
type PushConfig struct {
	Delay       time.Duration `yaml:"delay"`
	Ring        time.Duration `yaml:"ring"`
	MaxDuration time.Duration `yaml:"max_duration"`
	RetryMin    time.Duration `yaml:"retry_min"`
	RetryMax    time.Duration `yaml:"retry_max"`
}

// ControlConfig is about the MSCP channels.
type ControlConfig = control.Settings

// LogConfig says what is logged.
type LogConfig struct {
	Level string `yaml:"level"`
}

// maxRing is the longest ringing that leaves the media server's 200 alive: it
// gives up at 64*T1 = 32 s. See RFC 3261, section 13.3.1.4.
const maxRing = 30 * time.Second

// maxWeight is the largest weight of a media server.
const maxWeight = 1_000_000

// minSessionExpires is the shortest session timer. See RFC 4028, section 5.
const minSessionExpires = 90 * time.Second

// DefaultConfig returns the defaults. They lack a media server, so they do not
// pass Validate as they are.
func DefaultConfig() Config {
	var c Config
	if _, err := daemon.DecodeYAML(DefaultYAML, &c); err != nil {
		panic("as: default.yaml: " + err.Error()) // built in; held by a test
	}
	return c
}

// LoadConfig reads the file at path over the defaults and validates it.
func LoadConfig(path string) (Config, error) {
	c := DefaultConfig()
	lines, err := daemon.LoadYAML(path, &c)
	if err != nil {
		return Config{}, err
	}
	return c, daemon.InFile(path, lines.Explain(c.Validate()))
}

// Validate fills what follows from other keys and reports everything that is
// wrong, each with the name of its key.
func (c *Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, daemon.BadSetting(key, format, args...))
	}
	if d := c.SIP.SessionExpires; d != 0 && d < minSessionExpires {
		bad("sip.session_expires", "%v is neither 0, which means none, nor %v or more", d, minSessionExpires)
	}
	if len(c.MediaServers) == 0 {
		bad("media_servers", "at least one is needed")
	}
	if c.OutboundProxy == "" {
		bad("outbound_proxy", "must not be empty")
	}
	if c.Directory == "" {
		bad("directory", "must not be empty")
	}
	if c.Store.MaxRecipients < 1 {
		bad("store.max_recipients", "%d is less than 1", c.Store.MaxRecipients)
	}
	if c.Push.Ring <= 0 || c.Push.Ring > maxRing {
		bad("push.ring", "%v is not between 0 and %v", c.Push.Ring, maxRing)
	}
	for key, d := range map[string]time.Duration{
		"store.invite_timeout": c.Store.InviteTimeout,
		"store.restore_wait":   c.Store.RestoreWait, "store.max_duration": c.Store.MaxDuration, "push.max_duration": c.Push.MaxDuration,
		"push.retry_min": c.Push.RetryMin,
	} {
		if d <= 0 {
			bad(key, "%v is not a positive duration", d)
		}
	}
	c.Control.Validate(c.TLS.Enabled(), bad)
	if a := c.SIP.TLSListen; a != "" {
		if err := daemon.CheckNamed(a); err != nil {
			bad("sip.tls_listen", "%v", err)
		}
	}
	c.TLS.Validate(bad)
	if err := c.TLS.Check(sipua.LoadCertificate); err != nil && c.TLS.Key != "" {
		errs = append(errs, err)
	}
	c.Presence.Validate(bad)
	if c.Inventory == "" {
		c.Inventory = inventoryAlways
	}
	if err := checkInventory(c.Inventory); err != nil {
		errs = append(errs, err)
	}
	if d := c.InventoryInterval; d != 0 && d < minInventoryInterval {
		bad("inventory_interval", "%v is neither 0, which means never, nor %v or more", d, minInventoryInterval)
	}
	if c.Store.FailureRest < 0 {
		bad("store.failure_rest", "%v is negative", c.Store.FailureRest)
	}
	c.check(bad)
	if c.Presence.Server == "" { // only now, so that an error is reported for the key that has it
		c.Presence.Server = c.OutboundProxy
	}
	c.Limits.Validate(bad)
	if _, err := access.NewRules(c.Access); err != nil {
		errs = append(errs, err)
	}
	c.validateMediaServers(bad)
	return errors.Join(errs...)
}

func (c *Config) validateMediaServers(bad func(key, format string, args ...any)) {
	names := map[string]bool{}
	for i := range c.MediaServers {
		m := &c.MediaServers[i]
		key := fmt.Sprintf("media_servers[%d]", i)
		if err := checkServerURI(m.URI); err != nil {
			bad(key+".uri", "%v", err)
		}
		if m.Weight == 0 {
			m.Weight = 1
		}
		if m.Weight < 1 || m.Weight > maxWeight {
			bad(key+".weight", "%d is not from 1 to %d", m.Weight, maxWeight)
		}
		if m.Name == "" {
			m.Name = hostPort(m.URI)
		}
		if names[m.Name] {
			bad(key+".name", "%q is used twice", m.Name)
		}
		names[m.Name] = true
	}
}

// checkServerURI tells what is wrong with the URI of a media server, which is also a
// Request-URI and so stands in no brackets.
func checkServerURI(uri string) error {
	if _, err := sipua.CanonicalURI(uri); err != nil {
		return err
	}
	if strings.ContainsAny(uri, "<>\"") {
		return fmt.Errorf("%q is not a bare SIP URI such as sip:ms@192.0.2.1:5070", uri)
	}
	return sipua.CheckDestination(uri)
}

// hostPort is the host and port of a SIP URI, as written.
func hostPort(uri string) string {
	s := uri
	if i := strings.IndexByte(s, ':'); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	if i := strings.IndexAny(s, ";?"); i >= 0 {
		s = s[:i]
	}
	return s
}
