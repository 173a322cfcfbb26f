// A go-libp2p peer that belongs to nobody: `stranger ADDRESS PROTOCOL…`. Prints as JSON what it was told and what it got.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

type report struct {
	Addresses []string          `json:"addresses"`
	PingMs    float64           `json:"pingMs"`
	Got       map[string]string `json:"got"`
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	host, err := libp2p.New(libp2p.NoListenAddrs)
	must(err)
	target, err := peer.AddrInfoFromString(os.Args[1])
	must(err)
	must(host.Connect(ctx, *target))
	pong := <-ping.Ping(ctx, host, target.ID)
	must(pong.Error)
	told := report{Addresses: []string{}, PingMs: float64(pong.RTT.Microseconds()) / 1000, Got: map[string]string{}}
	for _, address := range host.Peerstore().Addrs(target.ID) {
		told.Addresses = append(told.Addresses, address.String())
	}
	var lock sync.Mutex
	var all sync.WaitGroup
	for _, name := range os.Args[2:] {
		all.Add(1)
		go func() {
			defer all.Done()
			got := try(ctx, host.NewStream, target.ID, name)
			lock.Lock()
			told.Got[name] = got
			lock.Unlock()
		}()
	}
	all.Wait()
	must(json.NewEncoder(os.Stdout).Encode(told))
}

func try(
	ctx context.Context,
	open func(context.Context, peer.ID, ...protocol.ID) (network.Stream, error),
	to peer.ID,
	name string,
) string {
	stream, err := open(ctx, to, protocol.ID(name))
	if err != nil {
		return "refused"
	}
	_, _ = stream.Write([]byte{3, 97, 98, 99})
	_ = stream.SetReadDeadline(time.Now().Add(3 * time.Second))
	bytes := 0
	buffer := make([]byte, 4096)
	for {
		count, err := stream.Read(buffer)
		bytes += count
		if err != nil {
			break
		}
	}
	return fmt.Sprint(bytes)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
