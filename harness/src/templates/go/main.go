// A node: eager reliable broadcast over stdin and stdout.
//
// The first time a node receives a message it passes it on to every other
// node, again and again until each has acknowledged it, and delivers it.
//
//	go build -o node .
//	temblor run eager --bin ./node        judged by what it delivers
//	temblor run broadcast --bin ./node    judged by what it reads in the end
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"
)

// Again is how long it takes until what is not acknowledged is sent again.
const Again = 50 * time.Millisecond

// Body holds what any line may say; what a line does not say is left out.
type Body struct {
	Type      string   `json:"type"`
	MsgID     *uint64  `json:"msg_id,omitempty"`
	InReplyTo *uint64  `json:"in_reply_to,omitempty"`
	NodeID    string   `json:"node_id,omitempty"`
	NodeIDs   []string `json:"node_ids,omitempty"`
	Observe   []string `json:"observe,omitempty"`
	Message   *uint64  `json:"message,omitempty"`
	Code      *int     `json:"code,omitempty"`
	Text      string   `json:"text,omitempty"`
}

// Line is an envelope. The key names the step: faults choose frames by it, the same ones in every run.
type Line struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Key  string `json:"key,omitempty"`
	Body Body   `json:"body"`
}

// Step is a message on its way to a peer.
type Step struct {
	peer    string
	message uint64
}

// Node is who I am, and what I know.
type Node struct {
	me       string
	others   []string
	watched  map[string]bool    // which of its doings the harness wants to hear of
	seen     map[uint64]bool    // the messages that were delivered ...
	messages []uint64           // ... and in which order
	owed     map[Step]time.Time // not acknowledged yet, and when to send it again
}

// One line: what happens first is said first.
func (n *Node) write(dest, key string, body Body) {
	text, err := json.Marshal(Line{Src: n.me, Dest: dest, Key: key, Body: body})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}

func (n *Node) reply(request Line, body Body) {
	body.InReplyTo = request.Body.MsgID
	n.write(request.Src, "", body)
}

func (n *Node) report(what string, message uint64) {
	if n.watched[what] {
		n.write("observer", "", Body{Type: what, Message: &message})
	}
}

func (n *Node) send(step Step) {
	key := fmt.Sprintf("relay/%d", step.message)
	n.write(step.peer, key, Body{Type: "relay", Message: &step.message})
	n.owed[step] = time.Now().Add(Again)
}

// To everybody else first, then to the application.
func (n *Node) deliver(message uint64) {
	if n.seen[message] {
		return
	}
	for _, peer := range n.others {
		n.send(Step{peer, message})
	}
	n.report("deliver", message)
	n.seen[message] = true
	n.messages = append(n.messages, message)
}

func (n *Node) handle(line Line) {
	body := line.Body
	switch body.Type {
	case "init":
		n.me = body.NodeID
		for _, node := range body.NodeIDs {
			if node != n.me {
				n.others = append(n.others, node)
			}
		}
		var observe []string
		for _, what := range body.Observe {
			if what == "broadcast" || what == "deliver" {
				n.watched[what] = true
				observe = append(observe, what)
			}
		}
		n.reply(line, Body{Type: "init_ok", Observe: observe})
	case "topology": // who is near; this node speaks with everybody
		n.reply(line, Body{Type: "topology_ok"})
	case "broadcast":
		n.report("broadcast", *body.Message)
		n.deliver(*body.Message)
		n.reply(line, Body{Type: "broadcast_ok"})
	case "read":
		// Not a Body: of an empty one the list would be left out.
		messages := append([]uint64{}, n.messages...)
		text, _ := json.Marshal(messages)
		fmt.Printf("{\"src\":%q,\"dest\":%q,\"body\":{\"type\":\"read_ok\",\"in_reply_to\":%d,\"messages\":%s}}\n",
			n.me, line.Src, *body.MsgID, text)
	case "relay":
		key := fmt.Sprintf("ack/relay/%d", *body.Message)
		n.write(line.Src, key, Body{Type: "relay_ok", Message: body.Message})
		n.deliver(*body.Message)
	case "relay_ok":
		delete(n.owed, Step{line.Src, *body.Message})
	default:
		if body.MsgID != nil {
			code := 10
			n.reply(line, Body{Type: "error", Code: &code, Text: body.Type + " is not supported"})
		}
	}
}

func (n *Node) sendAgain() {
	now, trickle := time.Now(), 64 // a peer that is dead never answers
	// Go walks a map from anywhere: nothing waits for ever.
	for step, due := range n.owed {
		if trickle > 0 && !due.After(now) {
			n.send(step)
			trickle--
		}
	}
}

func main() {
	lines := make(chan Line)
	go func() {
		defer close(lines)
		input := bufio.NewReader(os.Stdin)
		for {
			text, err := input.ReadBytes('\n')
			if err != nil {
				return
			}
			var line Line
			if err := json.Unmarshal(text, &line); err != nil {
				log.Fatalf("no envelope: %s: %v", text, err)
			}
			lines <- line
		}
	}()
	node := &Node{watched: map[string]bool{}, seen: map[uint64]bool{}, owed: map[Step]time.Time{}}
	ticks := time.Tick(Again / 2)
	for {
		select {
		case line, open := <-lines:
			if !open { // the run is over
				return
			}
			node.handle(line)
		case <-ticks:
			node.sendAgain()
		}
	}
}
