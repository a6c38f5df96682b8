package mediaserver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomscp/gomscp/mscp"
)

// A flowTest is an MS whose connections are a to f, and which can be told to refuse.
type flowTest struct {
	*testing.T
	m      *Server
	refuse error // of Join, Unjoin and StartDialog

	mu   sync.Mutex
	now  map[Flow]bool // as FlowsChanged tells
	last string        // change
}

func newFlowTest(t *testing.T) *flowTest {
	ft := &flowTest{T: t, now: map[Flow]bool{}}
	ft.m = New(Functions{
		HasConnection:     func(id string) bool { return len(id) == 1 },
		StartDialog:       func(context.Context, Dialog) error { return ft.refuse },
		CreateConference:  func(context.Context, string, *mscp.CreateConference) error { return nil },
		DestroyConference: func(context.Context, string) error { return nil },
		Join:              func(context.Context, *mscp.Join) error { return ft.refuse },
		Unjoin:            func(context.Context, *mscp.Unjoin) error { return ft.refuse },
		FlowsChanged:      ft.changed,
	})
	return ft
}

func (ft *flowTest) changed(ended, begun []Flow) {
	ft.mu.Lock()
	defer ft.mu.Unlock()
	for _, f := range ended {
		if !ft.now[f] {
			ft.Errorf("%v ended, which was not there", f)
		}
		delete(ft.now, f)
	}
	for _, f := range begun {
		if ft.now[f] {
			ft.Errorf("%v began, which was there", f)
		}
		ft.now[f] = true
	}
	ft.last = fmt.Sprint("-", flowText(ended), " +", flowText(begun))
}

func flowText(flows []Flow) string {
	var b strings.Builder
	for _, f := range flows {
		b.WriteString(" " + f.From + ">" + f.To)
		if f.Media == "video" {
			b.WriteString("v")
		}
	}
	return b.String()
}

func (ft *flowTest) ask(req mscp.Element, want string) mscp.Element {
	ft.Helper()
	e, err := ft.m.Handle(ft.Context(), req)
	if err != nil || mscp.Name(e) != want {
		ft.Fatalf("%s: %+v, %v", mscp.Name(req), e, err)
	}
	return e
}

func (ft *flowTest) join(id1, id2 string, streams ...string) {
	ft.Helper()
	ft.ask(joinOf(id1, id2, streams...), "conferencejoined")
}

// joinOf makes a join whose streams are like "audio both".
func joinOf(id1, id2 string, streams ...string) *mscp.Join {
	j := &mscp.Join{ID1: id1, ID2: id2}
	for _, s := range streams {
		media, direction, _ := strings.Cut(s, " ")
		j.Streams = append(j.Streams, mscp.Stream{Type: media, Direction: direction})
	}
	return j
}

// want checks the flows of an id, and what was told.
func (ft *flowTest) want(id, flows string) {
	ft.Helper()
	list := ft.m.Flows(id)
	if got := flowText(list); got != flows {
		ft.Errorf("%s: %s, not %s", id, got, flows)
	}
	for _, f := range list {
		if !ft.now[f] {
			ft.Errorf("%v was not told", f)
		}
	}
}

func (ft *flowTest) conference() string {
	return ft.ask(&mscp.CreateConference{}, "conferencecreated").(*mscp.ConferenceCreated).ConferenceID
}

func (ft *flowTest) dialog(connection string, streams ...string) string {
	ft.Helper()
	req := &mscp.DialogStart{Src: "s", ConnectionID: connection, Streams: joinOf("", "", streams...).Streams}
	return ft.ask(req, "dialogstarted").(*mscp.DialogStarted).DialogID
}

// TestFirstTopologyRule has a join between two take the place of what contradicts it
// between the same two, and of nothing else. See section 5.3.
func TestFirstTopologyRule(t *testing.T) {
	ft := newFlowTest(t)
	ft.join("a", "b") // audio in both directions, without a stream
	ft.want("a", " a>b b>a")
	ft.join("a", "b", "audio receive") // from id1 to id2 only
	ft.want("a", " a>b")
	if ft.last != "- b>a +" {
		t.Errorf("told %s", ft.last)
	}
	ft.join("a", "b", "audio transmit") // from id2 to id1 only
	ft.want("b", " b>a")
	ft.join("b", "a", "audio transmit")
	ft.want("b", " a>b")
	ft.join("a", "b", "video both") // audio does not contradict it
	ft.want("a", " a>b a>bv b>av")
	ft.join("a", "b", "audio receive", "video transmit") // each medium its own way
	ft.want("a", " a>b b>av")
	ft.join("a", "b", "audiovideo both")
	ft.want("a", " a>b a>bv b>a b>av")
	told := ft.last
	ft.join("a", "b", "audiovideo both") // the same again changes nothing
	if ft.want("a", " a>b a>bv b>a b>av"); ft.last != told {
		t.Errorf("told %s", ft.last)
	}
	ft.refuse = errors.New("no resources")
	ft.ask(joinOf("a", "b", "audio receive"), "errorconferencejoin")
	if ft.want("a", " a>b a>bv b>a b>av"); ft.last != told {
		t.Errorf("a refused join: told %s", ft.last)
	}
	ft.ask(&mscp.Unjoin{ID1: "a", ID2: "b"}, "errorconferenceunjoin")
	ft.want("a", " a>b a>bv b>a b>av")
	ft.refuse = nil
	ft.ask(&mscp.Unjoin{ID1: "b", ID2: "a"}, "conferenceunjoined")
	ft.want("a", "")
	ft.ask(&mscp.Unjoin{ID1: "b", ID2: "a"}, "errorconferenceunjoin")
}

// TestSecondTopologyRule has a connection or dialog listen to one source, the last, and
// a conference to all. See section 5.3.
func TestSecondTopologyRule(t *testing.T) {
	ft := newFlowTest(t)
	ft.join("a", "b")
	ft.join("c", "b") // b has to listen to c, and hears a no more
	ft.want("a", " b>a")
	ft.want("b", " b>a b>c c>b")
	ft.join("a", "b", "audio transmit") // a hears b already, and b nobody new
	ft.want("b", " b>a b>c c>b")
	ft.join("d", "b", "video receive") // another medium
	ft.want("b", " b>a b>c c>b d>bv")
	ft.join("e", "b", "audiovideo receive")
	ft.want("b", " b>a b>c e>b e>bv")
	ft.want("d", "")
	ft.ask(&mscp.Unjoin{ID1: "d", ID2: "b"}, "errorconferenceunjoin") // they are joined no more
	conf := ft.conference()
	for _, id := range []string{"a", "b", "c"} {
		ft.join(conf, id) // a conference listens to all
	}
	ft.want("b", " b>"+conf+" "+conf+">b e>bv") // and so does nobody of them to another any more
	other := ft.conference()
	ft.join(other, conf, "audio receive")
	if flows := ft.m.Flows(conf); len(flows) != 7 {
		t.Errorf("the conference has%s", flowText(flows))
	}
	told := ft.last
	ft.refuse = errors.New("no resources")
	ft.ask(joinOf(other, "a"), "errorconferencejoin")
	ft.ask(joinOf("x y", "a"), "errorconferencejoin")
	if ft.last != told || !slices.Contains(ft.m.Flows("a"), Flow{conf, "a", "audio"}) {
		t.Errorf("a refused join: told %s, and a has%s", ft.last, flowText(ft.m.Flows("a")))
	}
	ft.refuse = nil
	ft.join(other, "a", "audio receive")
	if flows := ft.m.Flows("a"); slices.Contains(flows, Flow{conf, "a", "audio"}) || !slices.Contains(flows, Flow{"a", conf, "audio"}) {
		t.Errorf("moved to the other conference: a has%s", flowText(flows))
	}
}

// TestThirdTopologyRule is the mute of section 6.3 and the bridge transfer of 4.8.2:
// what does not contradict a join stays.
func TestThirdTopologyRule(t *testing.T) {
	ft := newFlowTest(t)
	conf := ft.conference()
	d := ft.dialog("a", "audio receive")
	ft.want(d, " a>"+d)
	ft.join(conf, "a")
	ft.join(conf, "a", "audio receive") // mute
	ft.want("a", " a>"+d+" "+conf+">a")
	ft.join(conf, "a") // and not
	ft.want("a", flowText([]Flow{{"a", conf, ""}, {"a", d, ""}, {conf, "a", ""}}))

	v := ft.dialog("e")
	ft.want(v, flowText([]Flow{{v, "e", ""}})+" e>"+v)
	ft.join("e", "f") // the caller is bridged with the callee, and the dialog listens
	ft.want("e", " e>"+v+" e>f f>e")
	ft.join("e", v) // the callee has gone, or the dialog has ended the transfer
	if flows := ft.m.Flows("e"); len(flows) != 3 || slices.Contains(flows, Flow{"f", "e", "audio"}) {
		t.Errorf("e has%s", flowText(flows))
	}
	ft.ask(&mscp.Unjoin{ID1: "e", ID2: v}, "conferenceunjoined") // from where it was started
	ft.want(v, "")
	ft.m.DialogExited(v, nil)
	ft.join("e", "f", "audio both")
	before := flowText(ft.m.Flows("e"))
	ft.refuse = errors.New("no resources")
	ft.ask(&mscp.DialogStart{Src: "s", ConnectionID: "e"}, "errordialognotstarted")
	ft.want("e", before)
	ft.m.ConnectionEnded("e")
	ft.want("f", "")
	ft.ask(&mscp.DestroyConference{ConferenceID: conf}, "conferencedestroyed")
	ft.want("a", " a>"+d)
	ft.m.DialogExited(d, nil)
	ft.refuse = nil
	ft.m.Notified(&mscp.DialogTerminate{DialogID: ft.dialog("a"), Immediate: "true"})
	if len(ft.now) != 0 || len(ft.m.links.links) != 0 || len(ft.m.held) != 0 {
		t.Errorf("left: %v, %v, %v", ft.now, ft.m.links.links, ft.m.held)
	}
}

// TestTopology makes random joins, side by side, and checks after each that what was
// told is what is there, and at the end that nobody but a conference listens to two.
func TestTopology(t *testing.T) {
	ft := newFlowTest(t)
	ids := []string{"a", "b", "c", "d", ft.conference(), ft.conference(), ft.dialog("e"), ft.dialog("f", "audiovideo both")}
	media, directions := []string{"audio", "video", "audiovideo"}, []string{"transmit", "receive", "both"}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				i := rand.IntN(len(ids))
				j := (i + 1 + rand.IntN(len(ids)-1)) % len(ids)
				var req mscp.Element = joinOf(ids[i], ids[j], media[rand.IntN(3)]+" "+directions[rand.IntN(3)])
				if rand.IntN(5) == 0 {
					req = &mscp.Unjoin{ID1: ids[i], ID2: ids[j]}
				}
				if _, err := ft.m.Handle(t.Context(), req); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all := map[Flow]bool{}
	for _, id := range append(ids, "e", "f") {
		heard := map[string]int{}
		for _, f := range ft.m.Flows(id) {
			all[f] = true
			if f.To == id {
				heard[f.Media]++
			}
		}
		if !strings.HasPrefix(id, "conference") && (heard["audio"] > 1 || heard["video"] > 1) {
			t.Errorf("%s listens to %v", id, heard)
		}
	}
	if fmt.Sprint(all) != fmt.Sprint(ft.now) {
		t.Errorf("there: %v\ntold: %v", all, ft.now)
	}
}

// TestManyJoins checks that a conference that may have no more joins can still change
// those that it has.
func TestManyJoins(t *testing.T) {
	ft := newFlowTest(t)
	ft.m.f.HasConnection = func(string) bool { return true }
	conf := ft.conference()
	for i := range MaxJoins {
		ft.join(conf, fmt.Sprint(i))
	}
	ft.join(conf, "7", "audio receive")
	ft.ask(joinOf(conf, "one more"), "errorconferencejoin")
	ft.ask(&mscp.DialogStart{Src: "s", ConferenceID: conf}, "errordialognotstarted")
	ft.ask(&mscp.Unjoin{ID1: conf, ID2: "7"}, "conferenceunjoined")
	ft.join(conf, "one more")
}

// TestJoinable joins each kind with each, and nothing with what is not there, or no more.
func TestJoinable(t *testing.T) {
	ft := newFlowTest(t)
	ft.m.f.PrepareDialog = func(context.Context, Dialog) error { return nil }
	d1, d2, conf1, conf2 := ft.dialog("e"), ft.dialog("f"), ft.conference(), ft.conference()
	for _, ids := range [][2]string{{"a", "b"}, {"a", d1}, {d1, "b"}, {d1, d2}, {"a", conf1}, {conf1, d1}, {conf1, conf2}} {
		ft.join(ids[0], ids[1])
		ft.ask(&mscp.Unjoin{ID1: ids[1], ID2: ids[0]}, "conferenceunjoined")
	}
	prepared := ft.ask(&mscp.DialogPrepare{Src: "s"}, "dialogprepared").(*mscp.DialogPrepared).DialogID
	start := &mscp.DialogStart{Src: "s", ConnectionID: "a"}
	answerTo(t, ft.m.Handle, start, true, func(e mscp.Element) { // the end of this one is not told yet
		over := e.(*mscp.DialogStarted).DialogID
		ft.m.DialogExited(over, nil)
		for _, id := range []string{"nobody", "", prepared, over} {
			for _, other := range []string{"a", d1, conf1, id} {
				ft.ask(&mscp.Join{ID1: id, ID2: other}, "errorconferencejoin")
				ft.ask(&mscp.Unjoin{ID1: other, ID2: id}, "errorconferenceunjoin")
			}
		}
	})
}
