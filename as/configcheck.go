package as

import (
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/sipua"
)

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
	report("recipient", checkRecipient(c.Recipient))
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
	if c.OutboundProxy != "" { // without one, that is wrong enough
		report("outbound_proxy", sipua.CheckDestination(c.OutboundProxy))
	}
	if d := c.Push.Delay; d < 0 {
		bad("push.delay", "%v is negative", d)
	}
	if d := c.Store.RetryAfter; d < time.Second {
		bad("store.retry_after", "%v is less than 1s", d)
	}
	if c.Push.RetryMax < c.Push.RetryMin {
		bad("push.retry_max", "%v is less than push.retry_min, %v", c.Push.RetryMax, c.Push.RetryMin)
	}
}
