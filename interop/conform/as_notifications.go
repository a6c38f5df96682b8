package conform

import (
	"strings"
)

// notificationCases are those of sections 4 and 7.2.5 about notifications.
func (b *bench) notificationCases() []Case {
	return []Case{
		must("mscp-as/7.2.5/1", "notifications that are foreign, not known or not well-formed do not end the service", b.on(func(a *asCase) {
			for _, body := range []string{
				document("notification", `<v:news xmlns:v="http://www.example.org/vendor"/>`),
				document("notification", `<dialogexit dialogid="conform-none"/>`),
				document("notification", `<nosuchelement/>`),
				document("notification", `<dialogexit/>`),
				document("request", `<unjoin id1="a" id2="b"/>`),
				"<mscp",
			} {
				a.c = a.channel()
				a.c.write(pdu("NOTIF MSCP/1.0", body))
				a.serves()
			}
		})),
		should("mscp-as/7.2.5/2", "ten thousand notifications do not keep requests from being answered", b.on(func(a *asCase) {
			note := pdu("NOTIF MSCP/1.0", document("notification", `<dialogexit dialogid="conform-none"/>`))
			a.c.write(strings.Repeat(note, 10_000))
			a.works()
		})),
	}
}
