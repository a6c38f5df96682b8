package ms

import (
	"errors"
	"net"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

// DefaultConfig returns the defaults, which pass Validate.
func DefaultConfig() Config { return daemon.Defaults[Config](DefaultYAML) }

// LoadConfig reads the file at path into the defaults and validates the result. Errors
// have the line and key.
func LoadConfig(path string) (Config, error) {
	return daemon.Load(path, DefaultConfig(), (*Config).Validate)
}

// Validate fills in what follows from other keys, and reports everything that is wrong in the
// order of DefaultYAML, each with the name of its key.
func (c *Config) Validate() error {
	c.complete()
	var f findings
	f.check("name", daemon.CheckName(c.Name))
	c.SIP.validate(&f)
	c.TLS.Validate(f.bad)
	if err := c.TLS.Check(sipua.LoadCertificate); c.TLS.Key != "" {
		f.add(err)
	}
	_, err := c.Access.parse()
	f.add(err)
	c.Control.validate(&f, c.TLS.Enabled())
	c.MSRP.validate(&f)
	if c.Store == "" {
		f.bad("store", "must not be empty")
	}
	c.Limits.validate(&f)
	if c.TimeToLive < 0 {
		f.bad("time_to_live", "%v is negative", c.TimeToLive)
	}
	f.positive("hold", c.Hold)
	f.positive("orphan", c.Orphan)
	c.Push.validate(&f)
	f.check("log.level", daemon.CheckLevel(c.Log.Level))
	c.validateOperation(&f)
	return errors.Join(f...)
}

// complete fills in the hosts that follow from listen addresses.
func (c *Config) complete() {
	if c.Control.Host == "" {
		c.Control.Host, _, _ = net.SplitHostPort(c.SIP.Listen)
	}
	if c.MSRP.Host == "" {
		c.MSRP.Host, _, _ = net.SplitHostPort(c.MSRP.Listen)
	}
}

func (c SIPConfig) validate(f *findings) {
	f.check("sip.listen", daemon.CheckNamed(c.Listen))
	f.check("sip.user", daemon.CheckUser(c.User))
	if c.TLSListen != "" {
		f.check("sip.tls_listen", daemon.CheckNamed(c.TLSListen))
	}
}

func (c ControlConfig) validate(f *findings, hasTLS bool) {
	f.check("control.host", daemon.CheckHost(c.Host))
	if p := c.PortMin; p < 0 || p > c.PortMax {
		f.bad("control.port_min", "%d is not from 0 to control.port_max, %d", p, c.PortMax)
	}
	if p := c.PortMax; p < 0 || p > 65535 {
		f.bad("control.port_max", "%d is not from 0 to 65535", p)
	}
	f.positive("control.accept_timeout", c.AcceptTimeout)
	_, err := c.dialect()
	f.add(err)
	if c.RequireTLS && !hasTLS {
		f.bad("control.require_tls", "true needs a tls.certificate")
	}
}

func (c MSRPConfig) validate(f *findings) {
	f.check("msrp.listen", daemon.CheckListen(c.Listen))
	f.check("msrp.host", daemon.CheckHost(c.Host))
	if c.MaxSize < 0 {
		f.bad("msrp.max_size", "%d is negative", c.MaxSize)
	}
	if a := c.TLSListen; a != "" && a != off {
		if err := daemon.CheckListen(a); err != nil {
			f.bad("msrp.tls_listen", "%v; or %q for none", err, off)
		}
	}
	if c.OfferTLS && c.TLSListen == off {
		f.bad("msrp.offer_tls", "true needs an msrp.tls_listen that is not %q", off)
	}
	f.atLeastOne("msrp.connections", c.Connections)
	f.atLeastOne("msrp.unbound", c.Unbound)
	f.atLeastOne("msrp.source_unbound", c.SourceUnbound)
	f.positive("msrp.unbound_timeout", c.UnboundTimeout)
}

func (c LimitsConfig) validate(f *findings) {
	if c.Memory != 0 && c.Memory < minMemory {
		f.bad("limits.memory", "%d is less than %d bytes; 0 means no limit", c.Memory, minMemory)
	}
	f.notNegative("limits.recipient_messages", int64(c.RecipientMessages))
	f.notNegative("limits.recipient_bytes", c.RecipientBytes)
	f.notNegative("limits.sender_messages", int64(c.SenderMessages))
	f.notNegative("limits.sender_bytes", c.SenderBytes)
	f.notNegative("limits.total_bytes", c.TotalBytes)
	f.notNegative("limits.min_free", c.MinFree)
}

func (c PushConfig) validate(f *findings) {
	f.positive("push.connect_timeout", c.ConnectTimeout)
	f.positive("push.confirm_timeout", c.ConfirmTimeout)
	if c.Window < 1 || c.Window > maxWindow {
		f.bad("push.window", "%d is not between 1 and %d", c.Window, maxWindow)
	}
	f.positive("push.receipt_wait", c.ReceiptWait)
	if c.GiveUp < 0 {
		f.bad("push.give_up", "%v is negative; 0 means never", c.GiveUp)
	}
}

// validateOperation checks what is about the operator.
func (c *Config) validateOperation(f *findings) {
	if c.Drain < 0 {
		f.bad("drain", "%v is negative; 0 means no limit", c.Drain)
	}
	if c.Admin != "" {
		f.check("admin", daemon.CheckListen(c.Admin))
	}
	for _, host := range c.AdminHosts {
		f.check("admin_hosts", daemon.CheckAdminHost(host))
	}
	if c.TraceBody < 0 {
		f.bad("trace_body", "%d is negative", c.TraceBody)
	}
}

// findings are the errors of a configuration.
type findings []error

// add adds an error, unless it is nil.
func (f *findings) add(err error) {
	if err != nil {
		*f = append(*f, err)
	}
}

func (f *findings) bad(key, format string, args ...any) {
	f.add(daemon.BadSetting(key, format, args...))
}

// check adds an error about a key, unless it is nil.
func (f *findings) check(key string, err error) {
	if err != nil {
		f.bad(key, "%v", err)
	}
}

func (f *findings) positive(key string, d time.Duration) {
	if d <= 0 {
		f.bad(key, "%v is not a positive duration", d)
	}
}

func (f *findings) atLeastOne(key string, n int) {
	if n < 1 {
		f.bad(key, "%d is less than 1", n)
	}
}

func (f *findings) notNegative(key string, n int64) {
	if n < 0 {
		f.bad(key, "%d is negative; 0 means no limit", n)
	}
}
