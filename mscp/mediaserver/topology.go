package mediaserver

import (
	"cmp"
	"slices"

	"github.com/gomscp/gomscp/mscp"
)

// A Flow is one medium on its way from one connection, dialog or conference to
// another. See section 5.3.
type Flow struct {
	From, To string
	Media    string // audio or video
}

// A link is what flows between two, as one of them sees it.
type link uint8

const (
	audioOut link = 1 << iota
	audioIn
	videoOut
	videoIn

	allOut = audioOut | videoOut
	allIn  = audioIn | videoIn
	audio  = audioOut | audioIn
	video  = videoOut | videoIn
)

// mirror is what the other one sees.
func (l link) mirror() link { return l&allOut<<1 | l&allIn>>1 }

// media are both directions of the media in l.
func (l link) media() link { return l | l.mirror() }

// linkOf is what streams say of id1 and id2, as id1 sees it: transmit is from id2 to
// id1. None is audio in both directions. For a dialog, id1 is its end point. See
// sections 4.1 and 5.3.
func linkOf(streams []mscp.Stream) link {
	if len(streams) == 0 { // [MSCP-5.3-6]
		return audio
	}
	var l link
	for _, s := range streams {
		media := map[string]link{"audio": audio, "video": video, "audiovideo": audio | video}[s.Type]
		direction := map[string]link{"transmit": allIn, "receive": allOut, "both": allIn | allOut}[s.Direction] // [MSCP-5.3-8]
		l |= media & direction
	}
	return l
}

// A topology is what flows between connections, dialogs and conferences. It keeps the
// three invariant rules of section 5.3.
type topology struct {
	links   map[string]map[string]link // both ways
	mixes   func(id string) bool       // whether the id may listen to several: a conference
	alone   func(id string)            // called for an id that has lost its last link
	changes []flowChange               // not told yet
}

type flowChange struct{ ended, begun []Flow }

// join establishes l between id1 and id2, as id1 sees it. What flows of the same
// media between the two, and is not in l, ends. What one of them has to listen to
// takes the place of what it listened to. All else stays. [MSCP-5.3-5]
func (t *topology) join(id1, id2 string, l link) {
	var c flowChange
	t.set(&c, id1, id2, t.links[id1][id2]&^l.media()|l) // [MSCP-5.3-3]
	t.listen(&c, id1, id2, l&allIn)
	t.listen(&c, id2, id1, l.mirror()&allIn)
	t.changed(c)
}

// listen has id listen to no other than from, in the media of in.
func (t *topology) listen(c *flowChange, id, from string, in link) {
	if t.mixes(id) {
		return
	}
	for other, l := range t.links[id] {
		if other != from { // [MSCP-5.3-4]
			t.set(c, id, other, l&^in)
		}
	}
}

// part ends all that flows between two.
func (t *topology) part(id1, id2 string) {
	var c flowChange
	t.set(&c, id1, id2, 0)
	t.changed(c)
}

// forget ends all that flows from and to id.
func (t *topology) forget(id string) {
	var c flowChange
	for other := range t.links[id] {
		t.set(&c, id, other, 0)
	}
	t.changed(c)
}

// set puts l in the place of what flows between two.
func (t *topology) set(c *flowChange, id, other string, l link) {
	before := t.links[id][other]
	c.ended = appendFlows(c.ended, id, other, before&^l)
	c.begun = appendFlows(c.begun, id, other, l&^before)
	t.setHalf(id, other, l)
	t.setHalf(other, id, l.mirror())
}

func (t *topology) setHalf(id, other string, l link) {
	switch {
	case l == 0:
		delete(t.links[id], other)
		if len(t.links[id]) == 0 {
			delete(t.links, id)
			t.alone(id)
		}
	case t.links[id] == nil:
		t.links[id] = map[string]link{other: l}
	default:
		t.links[id][other] = l
	}
}

// changed notes a change, if it is one.
func (t *topology) changed(c flowChange) {
	if c.ended != nil || c.begun != nil {
		slices.SortFunc(c.ended, compareFlows)
		slices.SortFunc(c.begun, compareFlows)
		t.changes = append(t.changes, c)
	}
}

// appendFlows appends those of l, as id sees it.
func appendFlows(list []Flow, id, other string, l link) []Flow {
	for _, f := range []struct {
		of   link
		flow Flow
	}{
		{audioOut, Flow{id, other, "audio"}}, {audioIn, Flow{other, id, "audio"}},
		{videoOut, Flow{id, other, "video"}}, {videoIn, Flow{other, id, "video"}},
	} {
		if l&f.of != 0 {
			list = append(list, f.flow)
		}
	}
	return list
}

func compareFlows(a, b Flow) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Media, b.Media))
}

// flows are those from and to id, in a fixed order.
func (t *topology) flows(id string) (list []Flow) {
	for other, l := range t.links[id] {
		list = appendFlows(list, id, other, l)
	}
	slices.SortFunc(list, compareFlows)
	return list
}
