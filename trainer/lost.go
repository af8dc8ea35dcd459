package trainer

import (
	"context"
	"io"

	"nashprune/trainer/backend"
	"nashprune/trainer/network"
	"nashprune/trainer/record"
)

// writeLost writes which images the dense network gets right and the pruned one wrong.
func (r *run) writeLost(ctx context.Context, engine backend.Engine, dense, pruned *network.Network) error {
	d, part := r.data, r.config.EvaluateOn
	samples := part.Of(d)
	if d.Channels == 0 || d.Regression() || samples.Pixels == nil || samples.Features > record.MostLostPixels {
		return nil
	}
	var evaluated [2]backend.Evaluation
	for i, n := range []*network.Network{dense, pruned} {
		if err := engine.Push(&backend.State{Network: n}); err != nil {
			return err
		}
		var err error
		if evaluated[i], err = engine.Evaluate(ctx, part, backend.Want{Logits: true}); err != nil {
			return r.orInterrupted(ctx, err)
		}
	}
	lost := record.Lost{Channels: d.Channels, Height: d.Height, Width: d.Width}
	for i, label := range samples.Labels {
		was, is := evaluated[0].Class(i), evaluated[1].Class(i)
		switch class := int(label); {
		case was != class && is == class:
			lost.Gained++
		case was == class && is != class:
			if lost.Count++; len(lost.Samples) < record.MostLost {
				lost.Samples = append(lost.Samples, record.LostSample{Place: i, Class: class, Taken: is, Pixels: samples.Pixels[i*samples.Features:][:samples.Features]})
			}
		}
	}
	return r.write(record.LostFile, func(w io.Writer) error { return record.WriteJSON(w, &lost) })
}
