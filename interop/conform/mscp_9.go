package conform

// section9 are the cases of section 9 of the draft.
func (m MSCPTarget) section9() []Case {
	return []Case{
		should("mscp/9/1", "a document with a DTD does not have the media server fetch or expand anything", m.on(func(t *T, c *channel) {
			c.bad(c.askDocument(`<!DOCTYPE mscp [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>` +
				`<mscp version="1.0" xmlns="urn:ietf:mscp"><request><unjoin id1="&c;" id2="b"/></request></mscp>`))
			c.alive()
		})),
	}
}
