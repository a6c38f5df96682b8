package ms

import "github.com/gomscp/gomscp/internal/daemon"

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
