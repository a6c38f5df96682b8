package conform

// section2_3_1 are the cases of section 2.3.1 of the draft.
func (m MSCPTarget) section2_3_1() []Case {
	return []Case{
		must("mscp/2.3.1/1", "a connection is known by the Call-ID, the From tag and the To tag of its dialog, in this order", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			c.joined(conference, l.id)
			id := l.call.ID()
			for _, other := range []string{id.CallID + ";" + id.ToTag + ";" + id.FromTag, id.CallID, id.CallID + ";" + id.FromTag} {
				c.wants("errorconferencejoin", element("join", "id1", conference, "id2", other))
			}
		})),
		must("mscp/2.3.1/2", "a connection is its SIP dialog: after BYE there is none", m.on(func(t *T, c *channel) {
			l := m.connection(t)
			conference := c.conference()
			c.joined(conference, l.id)
			l.hangUp()
			c.becomes("errorconferencejoin", element("join", "id1", conference, "id2", l.id))
		})),
		must("mscp/2.3.1/3", "the ids of conferences and dialogs differ between channels", m.on(func(t *T, c *channel) {
			other := m.setUp(t)
			if a, b := c.conference(), other.conference(); a == b {
				t.Errorf("both conferences are %q", a)
			}
		})),
		must("mscp/2.3.1/4", "the ids of conferences of a channel are not those of one that has ended", func(t *T) {
			seen := map[string]bool{}
			for range 4 {
				c := m.setUp(t)
				id := c.conference()
				if seen[id] {
					t.Errorf("two conferences are %q", id)
				}
				seen[id] = true
				t.bye(c.call)
			}
		}),
		must("mscp/2.3.1/5", "after a restart of the media server, no id is given that was given before", func(t *T) {
			if m.Restart == nil {
				t.Skipf("the runner cannot restart the media server: see --restart")
			}
			m.restarted(t)
			before := m.setUp(t).conference()
			m.restarted(t)
			c := m.setUp(t)
			if again := c.conference(); again == before {
				t.Errorf("both conferences are %q", again)
			}
			c.wants("errorconferencedestroy", element("destroyconference", "conferenceid", before))
		}),
	}
}

func (m MSCPTarget) restarted(t *T) {
	t.Helper()
	if err := m.Restart(t.ctx); err != nil {
		t.Fatalf("the media server cannot be restarted: %v", err)
	}
}
