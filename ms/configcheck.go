package ms

import (
	"errors"
	"net"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// DefaultConfig returns the defaults, which pass Validate.
func DefaultConfig() Config {
	var c Config
	if _, err := daemon.DecodeYAML(DefaultYAML, &c); err != nil {
		panic("ms: default.yaml: " + err.Error()) // built in; held by a test
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
	host, _, _ := net.SplitHostPort(c.SIP.Listen)
	if c.Control.Host == "" {
		c.Control.Host = host
	}
	host, _, _ = net.SplitHostPort(c.MSRP.Listen)
	if c.MSRP.Host == "" {
		c.MSRP.Host = host
	}
	if c.MSRP.MaxSize < 0 {
		bad("msrp.max_size", "%d is negative", c.MSRP.MaxSize)
	}
	if c.TimeToLive < 0 {
		bad("time_to_live", "%v is negative", c.TimeToLive)
	}
	if c.Push.GiveUp < 0 {
		bad("push.give_up", "%v is negative; 0 means never", c.Push.GiveUp)
	}
	if c.Push.Window < 1 || c.Push.Window > maxWindow {
		bad("push.window", "%d is not between 1 and %d", c.Push.Window, maxWindow)
	}
	if c.Store == "" {
		bad("store", "must not be empty")
	}
	for key, d := range map[string]time.Duration{
		"hold": c.Hold, "orphan": c.Orphan, "control.accept_timeout": c.Control.AcceptTimeout,
		"push.connect_timeout": c.Push.ConnectTimeout, "push.confirm_timeout": c.Push.ConfirmTimeout,
		"push.receipt_wait": c.Push.ReceiptWait, "msrp.unbound_timeout": c.MSRP.UnboundTimeout,
	} {
		if d <= 0 {
			bad(key, "%v is not a positive duration", d)
		}
	}
	if a := c.SIP.TLSListen; a != "" {
		if err := daemon.CheckNamed(a); err != nil {
			bad("sip.tls_listen", "%v", err)
		}
	}
	if c.Control.RequireTLS && !c.TLS.Enabled() {
		bad("control.require_tls", "true needs a tls.certificate")
	}
	if a := c.MSRP.TLSListen; a != "" && a != off {
		if err := daemon.CheckListen(a); err != nil {
			bad("msrp.tls_listen", "%v; or %q for none", err, off)
		}
	}
	if c.MSRP.OfferTLS && c.MSRP.TLSListen == off {
		bad("msrp.offer_tls", "true needs an msrp.tls_listen that is not %q", off)
	}
	c.TLS.Validate(bad)
	if err := c.TLS.Check(sipua.LoadCertificate); err != nil && c.TLS.Key != "" {
		errs = append(errs, err)
	}
	if _, err := c.Access.parse(); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.Control.dialect(); err != nil {
		errs = append(errs, err)
	}
	c.check(bad)
	return errors.Join(errs...)
}

// minMemory is the least limits.memory: with less a server would refuse everything.
const minMemory = 32 << 20

// check reports what is wrong with the settings that need no more than a look.
func (c *Config) check(bad func(key, format string, args ...any)) {
	report := func(key string, err error) {
		if err != nil {
			bad(key, "%v", err)
		}
	}
	report("name", daemon.CheckName(c.Name))
	report("sip.listen", daemon.CheckNamed(c.SIP.Listen))
	report("sip.user", daemon.CheckUser(c.SIP.User))
	report("control.host", daemon.CheckHost(c.Control.Host))
	report("msrp.listen", daemon.CheckListen(c.MSRP.Listen))
	report("msrp.host", daemon.CheckHost(c.MSRP.Host))
	report("log.level", daemon.CheckLevel(c.Log.Level))
	if c.Drain < 0 {
		bad("drain", "%v is negative; 0 means no limit", c.Drain)
	}
	if c.Admin != "" {
		report("admin", daemon.CheckListen(c.Admin))
	}
	for _, host := range c.AdminHosts {
		report("admin_hosts", daemon.CheckAdminHost(host))
	}
	if p := c.Control.PortMax; p < 0 || p > 65535 {
		bad("control.port_max", "%d is not from 0 to 65535", p)
	}
	if p := c.Control.PortMin; p < 0 || p > c.Control.PortMax {
		bad("control.port_min", "%d is not from 0 to control.port_max, %d", p, c.Control.PortMax)
	}
	if n := c.TraceBody; n < 0 {
		bad("trace_body", "%d is negative", n)
	}
	for key, n := range map[string]int{
		"msrp.connections": c.MSRP.Connections, "msrp.unbound": c.MSRP.Unbound, "msrp.source_unbound": c.MSRP.SourceUnbound,
	} {
		if n < 1 {
			bad(key, "%d is less than 1", n)
		}
	}
	l := c.Limits
	if l.Memory != 0 && l.Memory < minMemory {
		bad("limits.memory", "%d is less than %d bytes; 0 means no limit", l.Memory, minMemory)
	}
	for key, n := range map[string]int64{
		"recipient_messages": int64(l.RecipientMessages), "recipient_bytes": l.RecipientBytes,
		"sender_messages": int64(l.SenderMessages), "sender_bytes": l.SenderBytes,
		"total_bytes": l.TotalBytes, "min_free": l.MinFree,
	} {
		if n < 0 {
			bad("limits."+key, "%d is negative; 0 means no limit", n)
		}
	}
}
