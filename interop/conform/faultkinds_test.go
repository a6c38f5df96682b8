package conform

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gomscp/gomscp/mscp"
)

// A memory is what a fault knows of ids, which are unique over all servers of the tests.
type memory struct {
	mu sync.Mutex
	m  map[string]string
}

func (m *memory) set(key, value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.m == nil {
		m.m = map[string]string{}
	}
	m.m[key] = value
}

func (m *memory) get(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.m[key]
}

// keys are those with a value.
func (m *memory) keys(value string) (all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, v := range m.m {
		if v == value {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return all
}

type (
	handling  = func(*servingMS, mscp.Element, server) (mscp.Element, error)
	noticing  = func(*servingMS, mscp.Element, func(mscp.Element))
	remaining struct {
		handle   handling
		notified noticing
	}
)

// inAnswer changes the answers to offers that match a pattern.
func inAnswer(pattern string, with func(string) string) func(*servingMS, string, string) string {
	re := regexp.MustCompile(pattern)
	return func(_ *servingMS, offer, sdp string) string {
		if re.MatchString(offer) {
			return with(sdp)
		}
		return sdp
	}
}

// counted takes a request-id for the one before and one more.
func counted(c *flawed, s string, _ bool) string {
	id := startID.FindStringSubmatch(s)
	if id == nil {
		return s
	}
	n, _ := strconv.Atoi(id[1])
	if c.state > 0 {
		n = c.state + 1
	}
	c.state = n
	return strings.Replace(s, id[1], strconv.Itoa(n), 1)
}

// telling changes notifications.
func telling(with func(mscp.Element) mscp.Element) noticing {
	return func(_ *servingMS, e mscp.Element, tell func(mscp.Element)) { tell(with(e)) }
}

// hiding sends no errordialog of a reason.
func hiding(reason string) noticing {
	return func(_ *servingMS, e mscp.Element, tell func(mscp.Element)) {
		if x, ok := e.(*mscp.ErrorDialog); !ok || x.Reason != reason {
			tell(e)
		}
	}
}

// terminating takes one value of immediate for another.
func terminating(is, as string) noticing {
	return func(_ *servingMS, e mscp.Element, take func(mscp.Element)) {
		if x, ok := e.(*mscp.DialogTerminate); ok && x.Immediate == is {
			e = &mscp.DialogTerminate{DialogID: x.DialogID, Immediate: as}
		}
		take(e)
	}
}

// ending ends the dialog of a notification.
func ending(name string) noticing {
	return func(s *servingMS, e mscp.Element, take func(mscp.Element)) {
		take(e)
		switch x := e.(type) {
		case *mscp.DialogUser:
			if name == mscp.Name(e) {
				s.m.DialogExited(x.DialogID, nil)
			}
		case *mscp.DialogTransferComplete:
			if name == mscp.Name(e) {
				s.m.DialogExited(x.DialogID, nil)
			}
		}
	}
}

// joining refuses some joins.
func joining(refused func(*mscp.Join) bool) handling {
	return func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		if j, ok := req.(*mscp.Join); ok && refused(j) {
			return &mscp.ErrorConferenceJoin{ID1: j.ID1, ID2: j.ID2, Reason: "it is not liked"}, nil
		}
		return serve(req)
	}
}

// preparedForNone refuses to start what was prepared for no connection.
func preparedForNone() handling {
	var none memory
	return func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		if q, ok := req.(*mscp.DialogStart); ok && none.get(q.PreparedDialogID) != "" {
			return &mscp.ErrorDialogNotStarted{DialogID: q.PreparedDialogID, ConnectionID: q.ConnectionID, ConferenceID: q.ConferenceID, Reason: "it was prepared for none"}, nil
		}
		e, err := serve(req)
		if q, ok := req.(*mscp.DialogPrepare); ok && q.ConnectionID == "" {
			if p, ok := e.(*mscp.DialogPrepared); ok {
				none.set(p.DialogID, "prepared")
			}
		}
		return e, err
	}
}

// sameDialog gives dialogs that were not prepared one id.
func sameDialog() func(string) string {
	var ids memory
	prepared := regexp.MustCompile(`<dialogprepared dialogid="([^"]*)"`)
	started := regexp.MustCompile(`<dialogstarted dialogid="([^"]*)"`)
	return func(s string) string {
		if m := prepared.FindStringSubmatch(s); m != nil {
			ids.set(m[1], "prepared")
		}
		if m := started.FindStringSubmatch(s); m != nil && ids.get(m[1]) == "" {
			ids.set(m[1], "started")
		}
		for _, id := range ids.keys("started") {
			s = strings.ReplaceAll(s, id, "dialog-same")
		}
		return s
	}
}

// unstarted ignores the end of dialogs that are only prepared.
var unstarted = func() remaining {
	var prepared memory
	return remaining{func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		e, err := serve(req)
		switch e := e.(type) {
		case *mscp.DialogPrepared:
			prepared.set(e.DialogID, "yes")
		case *mscp.DialogStarted:
			prepared.set(e.DialogID, "")
		}
		return e, err
	}, func(_ *servingMS, e mscp.Element, take func(mscp.Element)) {
		if x, ok := e.(*mscp.DialogTerminate); !ok || prepared.get(x.DialogID) == "" {
			take(e)
		}
	}}
}()

// floor takes a conference for ended after a conferenceuser.
var floor = func() remaining {
	var over memory
	return remaining{func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		if u, ok := req.(*mscp.Unjoin); ok && over.get(u.ID1) != "" {
			return &mscp.ErrorConferenceUnjoin{ID1: u.ID1, ID2: u.ID2, Reason: "the conference is over"}, nil
		}
		return serve(req)
	}, func(_ *servingMS, e mscp.Element, take func(mscp.Element)) {
		if x, ok := e.(*mscp.ConferenceUser); ok {
			over.set(x.ConferenceID, "yes")
		}
		take(e)
	}}
}()

// destroyedAgain has what was destroyed destroyed again, and destroyedJoined has it joined.
func destroyedAgain() handling {
	var gone memory
	return func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		e, err := serve(req)
		if q, ok := req.(*mscp.DestroyConference); ok {
			if gone.get(q.ConferenceID) != "" {
				return &mscp.ConferenceDestroyed{ConferenceID: q.ConferenceID}, nil
			}
			if mscp.Name(e) == "conferencedestroyed" {
				gone.set(q.ConferenceID, "yes")
			}
		}
		return e, err
	}
}

func destroyedJoined() handling {
	var gone memory
	return func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		e, err := serve(req)
		switch q := req.(type) {
		case *mscp.DestroyConference:
			gone.set(q.ConferenceID, "yes")
		case *mscp.Join:
			if strings.HasPrefix(q.ID1, "conference-") && gone.get(q.ID1) != "" {
				return &mscp.ConferenceJoined{ID1: q.ID1, ID2: q.ID2}, nil
			}
		}
		return e, err
	}
}

// joiningWithoutDialog refuses to join two connections, unless a dialog was started on one.
func joiningWithoutDialog() handling {
	var dialogs memory
	connection := func(id string) bool { return strings.Count(id, ";") == 2 && !strings.Contains(id, "10.0.0.2") }
	return func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		switch q := req.(type) {
		case *mscp.DialogStart:
			dialogs.set(q.ConnectionID, "yes")
		case *mscp.Join:
			if connection(q.ID1) && connection(q.ID2) && dialogs.get(q.ID1) == "" {
				return &mscp.ErrorConferenceJoin{ID1: q.ID1, ID2: q.ID2, Reason: "these are not joined"}, nil
			}
		}
		return serve(req)
	}
}

// failedJoin ends the join of a connection when another fails.
func failedJoin() handling {
	var joined memory
	return func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		e, err := serve(req)
		if q, ok := req.(*mscp.Join); ok {
			if mscp.Name(e) == "conferencejoined" {
				joined.set(q.ID2, q.ID1)
			} else if at := joined.get(q.ID2); at != "" {
				_, _ = serve(&mscp.Unjoin{ID1: at, ID2: q.ID2})
			}
		}
		return e, err
	}
}

// neverBack refuses to join who has been unjoined.
func neverBack() handling {
	var left memory
	return func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		if q, ok := req.(*mscp.Join); ok && left.get(q.ID2) != "" {
			return &mscp.ErrorConferenceJoin{ID1: q.ID1, ID2: q.ID2, Reason: fmt.Sprintf("%s has left", q.ID2)}, nil
		}
		e, err := serve(req)
		if q, ok := req.(*mscp.Unjoin); ok && mscp.Name(e) == "conferenceunjoined" && strings.Contains(q.ID2, ";") {
			left.set(q.ID2, "yes")
		}
		return e, err
	}
}

// allLeave unjoins everybody of a conference.
func allLeave() handling {
	var joined memory
	return func(_ *servingMS, req mscp.Element, serve server) (mscp.Element, error) {
		e, err := serve(req)
		switch q := req.(type) {
		case *mscp.Join:
			joined.set(q.ID2, q.ID1)
		case *mscp.Unjoin:
			for _, other := range joined.keys(q.ID1) {
				if other != q.ID2 && strings.HasPrefix(q.ID1, "conference-") {
					_, _ = serve(&mscp.Unjoin{ID1: q.ID1, ID2: other})
				}
			}
		}
		return e, err
	}
}
