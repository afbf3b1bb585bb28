"""Why an indicator has the value it has, or none: one chain of sentences, each with what it rests on."""
