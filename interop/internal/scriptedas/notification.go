package scriptedas

// maxEarly bounds notifications of dialogs that are not known yet, and those that a dialog
// has not looked at yet.
const maxEarly = 256

// notification gives a notification to its dialog, or keeps it for one whose dialogstarted
// is still on its way. Others are ignored.
func (c *channel) notification(body string) {
	e, _, err := content(body, "notification")
	if c.s.is(AnswersNotifications) && e.XMLName.Local == "dialoguser" {
		c.write("MSCP/1.0 200 OK 1", document("response", "", `<e:ok xmlns:e="urn:x-scripted"/>`))
	}
	if c.s.is(HangsOnNotification) && (err != nil || e.XMLName.Space != draftSpace) {
		<-c.s.ctx.Done()
	}
	if c.s.is(EmptiesOnConferenceUser) && e.XMLName.Local == "conferenceuser" {
		c.s.work.Go(func() { c.s.Act(empty) })
	}
	if c.s.is(DropsEarlyNotifications) && c.isAsking() {
		return
	}
	if err != nil || e.XMLName.Space != draftSpace || e.get("dialogid") == "" {
		return
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	id := e.get("dialogid")
	if d := c.s.dialogs[id]; d != nil {
		d.push(e)
		return
	}
	if len(c.s.early) < maxEarly && len(c.s.early[id]) < maxEarly {
		c.s.early[id] = append(c.s.early[id], e)
	}
}

// know has the notifications of a dialog go to it, those that came early first.
func (s *Server) know(id string, d *dialogCall) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialogs[id] = d
	for _, e := range s.early[id] {
		d.push(e)
	}
	delete(s.early, id)
}

// forget has what still comes of a dialog be ignored.
func (s *Server) forget(id string) {
	if s.is(ServesEndedDialogs) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dialogs, id)
}

func (d *dialogCall) push(e element) {
	select {
	case d.events <- e:
	default:
	}
}
