package conform

import (
	"strings"
)

// section2_1 are the cases of section 2.1 of the draft.
func (m MSCPTarget) section2_1() []Case {
	return []Case{
		must("mscp/2.1/1", "a function that is not supported, or cannot be done, is refused with the element that the draft has for it", m.on(func(t *T, c *channel) {
			for _, r := range oneOfEach {
				c.is(c.ask(r.request), r.answers...)
			}
		})),
		must("mscp/2.1/2", "the media server is for something: it creates a conference, starts a dialog, or stores messages", m.on(func(t *T, c *channel) {
			if m.something(t, c) == "" {
				t.Error("it refuses to create a conference, to start a dialog and to store messages")
			}
		})),
	}
}

// something tries what a media server may be for, and returns what has succeeded.
func (m MSCPTarget) something(t *T, c *channel) string {
	if e := c.ask("<createconference/>").element(); e.Name == "conferencecreated" {
		return e.Name
	}
	l := m.connection(t)
	for _, uri := range []string{m.DialogExit, m.DialogWait} {
		request := strings.Replace(element("dialogstart", "connectionid", l.id), "/>", " "+doc(uri)+"/>", 1)
		if e := c.ask(request).element(); uri != "" && e.Name == "dialogstarted" {
			return e.Name
		}
	}
	if e := c.ask(newPair().over(l).request("RestoreMsg")).element(); e.Name == "MsgRestored" {
		return e.Name
	}
	return ""
}
