for i in 1 2 3 4 5; do
  yes $i | head -c $((i * 9000)) > new$i && chown $((i % 3 + 1)) new$i && sync new$i .
  rm -f file$i && sync .
  mark "round $i is over"
done
