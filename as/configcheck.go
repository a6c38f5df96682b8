package as

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gomscp/gomscp/as/internal/access"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// Validate fills what follows from other keys and reports everything that is
// wrong, each with the name of its key.
func (c *Config) Validate() error {
	r := &checker{}
	c.checkNode(r)
	c.checkSIP(r)
	c.Control.Validate(c.TLS.Enabled(), r.bad)
	c.Presence.Validate(r.bad)
	c.checkInventory(r)
	c.checkStore(r)
	c.checkPush(r)
	c.Limits.Validate(r.bad)
	if _, err := access.NewRules(c.Access); err != nil {
		r.errs = append(r.errs, err)
	}
	if c.Presence.Server == "" { // only now, so that an error is reported for the key that has it
		c.Presence.Server = c.OutboundProxy
	}
	if len(c.MediaServers) == 0 {
		r.bad("media_servers", "at least one is needed")
	}
	c.checkMediaServers(r)
	return errors.Join(r.errs...)
}

// A checker collects what is wrong.
type checker struct{ errs []error }

func (r *checker) bad(key, format string, args ...any) {
	r.errs = append(r.errs, daemon.BadSetting(key, format, args...))
}

// check reports err, if there is one.
func (r *checker) check(key string, err error) {
	if err != nil {
		r.bad(key, "%v", err)
	}
}

// positive reports a duration that is not.
func (r *checker) positive(key string, d time.Duration) {
	if d <= 0 {
		r.bad(key, "%v is not a positive duration", d)
	}
}

// checkNode checks what is about the process.
func (c *Config) checkNode(r *checker) {
	r.check("name", daemon.CheckName(c.Name))
	r.check("log.level", daemon.CheckLevel(c.Log.Level))
	if c.Directory == "" {
		r.bad("directory", "must not be empty")
	}
	if c.Drain < 0 {
		r.bad("drain", "%v is negative; 0 means no limit", c.Drain)
	}
	if c.Admin != "" {
		r.check("admin", daemon.CheckListen(c.Admin))
	}
	for _, host := range c.AdminHosts {
		r.check("admin_hosts", daemon.CheckAdminHost(host))
	}
	c.TLS.Validate(r.bad)
	if err := c.TLS.Check(sipua.LoadCertificate); err != nil && c.TLS.Key != "" {
		r.errs = append(r.errs, err)
	}
}

func (c *Config) checkSIP(r *checker) {
	r.check("sip.listen", daemon.CheckNamed(c.SIP.Listen))
	r.check("sip.user", daemon.CheckUser(c.SIP.User))
	if a := c.SIP.TLSListen; a != "" {
		r.check("sip.tls_listen", daemon.CheckNamed(a))
	}
	if d := c.SIP.SessionExpires; d != 0 && d < minSessionExpires {
		r.bad("sip.session_expires", "%v is neither 0, which means none, nor %v or more", d, minSessionExpires)
	}
	r.check("recipient", checkRecipient(c.Recipient))
	if c.OutboundProxy == "" {
		r.bad("outbound_proxy", "must not be empty")
	} else {
		r.check("outbound_proxy", sipua.CheckDestination(c.OutboundProxy))
	}
}

func (c *Config) checkInventory(r *checker) {
	switch c.Inventory {
	case "":
		c.Inventory = inventoryAlways
	case inventoryAlways, inventoryOnce, inventoryNever:
	default:
		r.bad("inventory", "%q is none of always, once, never", c.Inventory)
	}
	if d := c.InventoryInterval; d != 0 && d < minInventoryInterval {
		r.bad("inventory_interval", "%v is neither 0, which means never, nor %v or more", d, minInventoryInterval)
	}
}

func (c *Config) checkStore(r *checker) {
	s := c.Store
	r.positive("store.restore_wait", s.RestoreWait)
	r.positive("store.invite_timeout", s.InviteTimeout)
	r.positive("store.max_duration", s.MaxDuration)
	if s.RetryAfter < time.Second {
		r.bad("store.retry_after", "%v is less than 1s", s.RetryAfter)
	}
	if s.FailureRest < 0 {
		r.bad("store.failure_rest", "%v is negative", s.FailureRest)
	}
	if s.MaxRecipients < 1 {
		r.bad("store.max_recipients", "%d is less than 1", s.MaxRecipients)
	}
}

func (c *Config) checkPush(r *checker) {
	p := c.Push
	if p.Delay < 0 {
		r.bad("push.delay", "%v is negative", p.Delay)
	}
	if p.Ring <= 0 || p.Ring > maxRing {
		r.bad("push.ring", "%v is not between 0 and %v", p.Ring, maxRing)
	}
	r.positive("push.max_duration", p.MaxDuration)
	r.positive("push.retry_min", p.RetryMin)
	if p.RetryMax < p.RetryMin {
		r.bad("push.retry_max", "%v is less than push.retry_min, %v", p.RetryMax, p.RetryMin)
	}
}

func (c *Config) checkMediaServers(r *checker) {
	names := map[string]bool{}
	for i := range c.MediaServers {
		m := &c.MediaServers[i]
		key := fmt.Sprintf("media_servers[%d]", i)
		if err := checkServerURI(m.URI); err != nil {
			r.bad(key+".uri", "%v", err)
		}
		if m.Weight == 0 {
			m.Weight = 1
		}
		if m.Weight < 1 || m.Weight > maxWeight {
			r.bad(key+".weight", "%d is not from 1 to %d", m.Weight, maxWeight)
		}
		if m.Name == "" {
			m.Name = hostPort(m.URI)
		}
		if names[m.Name] {
			r.bad(key+".name", "%q is used twice", m.Name)
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
