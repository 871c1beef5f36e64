"""What a sentence affirms and what it negates, told by rules, by a language model or by CLIP's own tower."""
